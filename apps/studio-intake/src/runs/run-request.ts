import {
  idempotencyKeySchema,
  isTooDeep,
  labelsSchema,
  limits,
  tooDeep,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import { z } from 'zod';
import { InvalidRequestError } from '../errors';

/** What a JSON parser has made is JSON: it is taken as it is, since rebuilding it would only cost time. */
const anyJson = z.unknown() as z.ZodType<JsonValue>;
const shallowJson = anyJson.refine((value) => !isTooDeep(value), tooDeep);
const inputs = z
  .record(z.string(), anyJson)
  .refine((value) => !isTooDeep(value), tooDeep)
  .default({});
const boundedLabels = labelsSchema
  .refine((labels) => Object.keys(labels).length <= limits.labels, `expected at most ${limits.labels} labels (labels)`)
  .default({});

export const runBody = z.strictObject({ inputs, labels: boundedLabels });
export const executionBody = z.strictObject({ definition: shallowJson, inputs, labels: boundedLabels });
export const cancelBody = z.strictObject({
  reason: z.string().max(1_000).default('cancelled by request'),
  force: z.boolean().default(false),
});

export type RunBody = { readonly inputs: JsonObject; readonly labels: Record<string, string> };

/** What has come by another way than as a body of its own. @throws InvalidRequestError with every fault at its path */
export function readAs<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => ({
    path: path.map(String).join('.'),
    reason: message,
  }));
  throw new InvalidRequestError('Invalid request', faults);
}

/** The `Idempotency-Key` header: the same key gives the same run. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const parsed = idempotencyKeySchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError('Invalid header', [
    { path: 'Idempotency-Key', reason: 'expected 1 to 256 characters' },
  ]);
}
