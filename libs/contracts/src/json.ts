import { z } from 'zod';

/** Any JSON value. Values never contain `undefined`, `NaN`, functions or dates. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export const jsonValueSchema: z.ZodType<JsonValue> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.number(),
    z.string(),
    z.array(jsonValueSchema),
    z.record(z.string(), jsonValueSchema),
  ]),
);

/**
 * Trusts that the text's producer wrote JSON values: messages have been through `JSON.parse`, which yields nothing
 * else, so walking every nested value again would only cost time.
 */
export const parsedJsonSchema = z.custom<JsonValue>((value) => value !== undefined, 'expected a JSON value');
export const parsedJsonObjectSchema = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected a JSON object',
);

/** `sha256:` and 64 hexadecimal digits: the name of content in the filestore. */
export const contentHashSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits');

/** A file or directory in the filestore, as it stands inside a value. `name` is the base name to restore. */
export const fileReferenceSchema = z.strictObject({
  $file: contentHashSchema,
  name: z.string().min(1).max(255),
  size: z.int().nonnegative(),
  /** A directory is stored as one tar archive of its content. */
  kind: z.enum(['file', 'directory']),
});
export type FileReference = z.infer<typeof fileReferenceSchema>;

/** An encrypted value in the filestore under `secrets/`; resolved only at launch. */
export const secretReferenceSchema = z.strictObject({ $secret: z.string().regex(/^[0-9a-f]{64}$/) });
export type SecretReference = z.infer<typeof secretReferenceSchema>;

/**
 * A JSON value too large to travel inline: the content hash of its JSON text, and where in that text the value stands
 * (empty = all of it). `count` is the number of elements when the referenced value is a list.
 */
export const valueReferenceSchema = z.strictObject({
  $value: contentHashSchema,
  size: z.int().nonnegative(),
  path: z.array(z.union([z.string(), z.int().nonnegative()])).optional(),
  count: z.int().nonnegative().optional(),
});
export type ValueReference = z.infer<typeof valueReferenceSchema>;

function hasKey(value: JsonValue | undefined, key: string): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
}

export function isFileReference(value: JsonValue | undefined): value is FileReference {
  return hasKey(value, '$file') && fileReferenceSchema.safeParse(value).success;
}

export function isSecretReference(value: JsonValue | undefined): value is SecretReference {
  return hasKey(value, '$secret') && secretReferenceSchema.safeParse(value).success;
}

const hashPrefix = 'sha256:';
const hashLength = hashPrefix.length + 64;

/** Asked of every part of a value that is opened: what only has such a key is told by little. */
export function isValueReference(value: JsonValue | undefined): value is ValueReference & JsonObject {
  if (!hasKey(value, '$value')) return false;
  const { $value: hash } = value;
  if (typeof hash !== 'string' || hash.length !== hashLength || !hash.startsWith(hashPrefix)) return false;
  return valueReferenceSchema.safeParse(value).success;
}
