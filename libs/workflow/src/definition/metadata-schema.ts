import { ioNameSchema, ioTypeSchema } from '@ryax/contracts';
import { z } from 'zod';

/**
 * `ryax_metadata.yaml` as authors write it. Unknown keys are refused at every level; a key that is there without a value
 * (null) counts as absent.
 */
const absent = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const ioSchema = z.strictObject({
  name: ioNameSchema,
  human_name: z.string().max(128),
  help: z.string(),
  type: ioTypeSchema,
  enum_values: absent(z.array(z.string()).max(64)),
  default_value: absent(z.json()),
  optional: absent(z.boolean()),
});
export type MetadataIo = z.infer<typeof ioSchema>;

const gpuSchema = z.union([
  z.number().min(1),
  z.strictObject({
    count: z.number().min(1).optional(),
    brand: z.string().optional(),
    model: z.string().optional(),
    memory: z.union([z.number(), z.string()]).optional(),
    compute_fraction: z.number().optional(),
  }),
]);

export const metadataResourcesSchema = z.strictObject({
  cpu: absent(z.number().min(0.1)),
  memory: absent(z.union([z.number(), z.string()])),
  time: absent(z.union([z.number(), z.string()])),
  gpu: absent(gpuSchema),
});
export type MetadataResources = z.infer<typeof metadataResourcesSchema>;

export const metadataSchema = z.strictObject({
  apiVersion: z.literal('ryax.tech/v2.0'),
  /** `Trigger` is what the documentation calls a Source. */
  kind: z.enum(['Processor', 'Publisher', 'Source', 'Trigger']),
  spec: z.strictObject({
    id: z.string().regex(/^[a-z0-9.-]{3,24}$/, 'expected 3 to 24 lower-case letters, digits, . or -'),
    human_name: z.string().min(3).max(128),
    type: z.enum(['python3', 'python3-cuda', 'nodejs', 'csharp-dotnet6', 'internal']),
    version: absent(z.string().min(3).max(128)),
    description: absent(z.string()),
    logo: absent(z.string()),
    categories: absent(z.array(z.string().min(1).max(32)).max(32)),
    dependencies: absent(z.array(z.string()).max(64)),
    options: absent(z.record(z.string(), z.unknown())),
    resources: absent(metadataResourcesSchema),
    inputs: absent(z.array(ioSchema).max(64)),
    outputs: absent(z.array(ioSchema).max(64)),
    dynamic_outputs: absent(z.boolean()),
    addons: absent(z.record(z.string(), z.unknown())),
  }),
});
export type Metadata = z.infer<typeof metadataSchema>;
