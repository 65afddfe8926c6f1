import { z } from 'zod';
import { contentHashSchema, jsonValueSchema } from './json';

export const ioTypeSchema = z.enum([
  'string',
  'longstring',
  'password',
  'integer',
  'float',
  'boolean',
  'enum',
  'file',
  'directory',
  'json',
]);
export type IoType = z.infer<typeof ioTypeSchema>;

export const ioNameSchema = z
  .string()
  // `__proto__` would be lost wherever inputs are an object's fields.
  .regex(/^(?!__proto__$)[A-Za-z0-9_]{1,64}$/, 'expected 1 to 64 letters, digits or _');

/** One declared input or output of an action or trigger. */
export const ioDeclarationSchema = z.strictObject({
  name: ioNameSchema,
  type: ioTypeSchema,
  human_name: z.string().max(128).optional(),
  help: z.string().optional(),
  enum_values: z.array(z.string()).max(64).optional(),
  default_value: jsonValueSchema.optional(),
  optional: z.boolean().optional(),
});
export type IoDeclaration = z.infer<typeof ioDeclarationSchema>;

/** What an execution may use. `cpu` in cores, `memory_bytes` in bytes, `time_ms` the longest an attempt may take. */
export const resourcesSchema = z.strictObject({
  cpu: z.number().positive().optional(),
  memory_bytes: z.int().positive().optional(),
  gpu: z.number().nonnegative().optional(),
  time_ms: z.int().positive().optional(),
});
export type Resources = z.infer<typeof resourcesSchema>;

/** What the engine knows of an action folder: its `ryax_metadata.yaml`, checked and normalised. */
export const actionManifestSchema = z.strictObject({
  id: z.string(),
  version: z.string(),
  human_name: z.string(),
  description: z.string().optional(),
  kind: z.enum(['Processor', 'Publisher', 'Source']),
  runtime: z.enum(['python3', 'python3-cuda', 'nodejs']),
  inputs: z.array(ioDeclarationSchema),
  outputs: z.array(ioDeclarationSchema),
  resources: resourcesSchema,
  categories: z.array(z.string()),
  /** What was noticed and does not stop it: a missing logo, a nix dependency that a local process cannot have. */
  warnings: z.array(z.string()),
});
export type ActionManifest = z.infer<typeof actionManifestSchema>;

/** A manifest and the content that it describes: what a deployed workflow pins. */
export const pinnedActionSchema = z.strictObject({ content_hash: contentHashSchema, manifest: actionManifestSchema });
export type PinnedAction = z.infer<typeof pinnedActionSchema>;
