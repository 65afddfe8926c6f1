import { z } from 'zod';
import { ioDeclarationSchema, ioNameSchema, pinnedActionSchema } from './action-manifest';
import { jsonValueSchema, type JsonValue } from './json';

/**
 * The workflow definition as users write it (YAML or JSON). This schema is its published shape: what is named, which
 * type it has, what may be left out. What needs more than one place to judge (references, cycles, types of inputs) is
 * judged by the validator in `libs/workflow`, which also accepts only what this schema accepts.
 *
 * A string that starts with `=` is a CEL expression; `==text` is the literal `=text`.
 */
const expressionSchema = z
  .string()
  .regex(/^=(?!=)/, 'expected an expression: a string that starts with =')
  .describe('A CEL expression, such as =split.regions');
const durationSchema = z.union([
  z.number().nonnegative(),
  z.string().regex(/^\d+(\.\d+)?\s*(ms|s|m|h|d)?$/, 'expected a duration such as 30s, 5m or 1.5h'),
]);
const sizeSchema = z.union([
  z.int().positive(),
  z.string().regex(/^\d+(\.\d+)?\s*[KMGT]?(i?B)?$/, 'expected a size such as 256M or 4G'),
]);

export const entryIdPattern = /^[a-z_][a-z0-9_]*$/;
const entryIdSchema = z
  .string()
  .max(64)
  .regex(entryIdPattern, 'expected a lower-case letter or _, then letters, digits or _');
const valuesSchema = z.record(ioNameSchema, jsonValueSchema);

export const retrySchema = z.strictObject({
  max_attempts: z.int().min(1).max(1000).optional().describe('Attempts in all, the first included; 3 unless told'),
  initial_interval: durationSchema.optional(),
  max_interval: durationSchema.optional(),
  multiplier: z.number().min(1).max(100).optional(),
  on: z.array(z.enum(['crash', 'timeout', 'out-of-memory', 'image', 'lost'])).optional(),
  memory_factor: z
    .number()
    .min(1)
    .max(100)
    .optional()
    .describe('After an attempt that ran out of memory the next one has so many times as much; 2 unless told'),
  memory_max: sizeSchema.optional().describe('And never more; four times what the first one had unless told'),
});
export type Retry = z.infer<typeof retrySchema>;

const listSchema = z.array(jsonValueSchema);
export const forEachSchema = z.union([
  expressionSchema,
  listSchema,
  z.strictObject({
    in: z.union([expressionSchema, listSchema]),
    concurrency: z.int().min(1).max(100_000).optional().describe('Elements that may be open at once; 1000 unless told'),
    min_success: z.number().min(0).max(1).optional().describe('The share of elements that must succeed, 0 to 1'),
  }),
]);
export type ForEach = z.infer<typeof forEachSchema>;

export const containerSchema = z.strictObject({
  image: z.string().min(1).max(1024),
  command: z.array(z.string()).min(1),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits or _'), z.string()).optional(),
  outputs: z
    .array(ioDeclarationSchema)
    .optional()
    .describe('Values that the command leaves as a JSON object in the file named by $RYAX_OUTPUTS'),
});

const entryResourcesSchema = z.strictObject({
  cpu: z.number().positive().optional(),
  memory: sizeSchema.optional(),
  gpu: z.number().nonnegative().optional(),
  time: durationSchema.optional(),
});
export type EntryResources = z.infer<typeof entryResourcesSchema>;

/** As Kubernetes has them on its nodes (`kubernetes.io/arch`). */
export const architectures = ['amd64', 'arm64', 'arm', 'ppc64le', 'riscv64', 's390x'] as const;
export type Architecture = (typeof architectures)[number];

const placeNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, 'expected letters, digits, . _ or -');
export const constraintsSchema = z.strictObject({
  site: placeNameSchema.optional().describe('Runs at this site only'),
  pool: placeNameSchema.optional().describe('Runs in a pool of this name only'),
  architecture: z.enum(architectures).optional().describe('Runs on machines of this kind only'),
});
export type Constraints = z.infer<typeof constraintsSchema>;

export const objectives = ['time', 'cost', 'energy'] as const;
export type Objective = (typeof objectives)[number];
const weightSchema = z.number().min(0).max(100).optional();
export const objectivesSchema = z
  .strictObject({ time: weightSchema, cost: weightSchema, energy: weightSchema })
  .describe('How much each counts beside the others where several pools fit and have room: 0 (not at all) to 100');
export type Objectives = z.infer<typeof objectivesSchema>;

const entryFields = {
  id: entryIdSchema,
  human_name: z.string().max(128).optional(),
  when: expressionSchema.optional().describe('Skipped unless this is true; judged once, before for_each opens'),
  for_each: forEachSchema.optional().describe('One execution for each element, with item and index in scope'),
  after: z.array(z.string()).optional().describe('Ids to wait for, without taking anything from them'),
  timeout: durationSchema.optional().describe('Of an attempt; of an element for a group or under for_each'),
  on_failure: z.enum(['fail', 'continue']).optional(),
};
const groupFields = { ...entryFields, outputs: valuesSchema.optional() };

export const actionEntrySchema = z
  .strictObject({
    ...entryFields,
    action: z
      .string()
      .min(1)
      .optional()
      .describe(
        'core/noop, core/sleep, <id>@<version>, sha256:… of uploaded content, or a local folder (command line)',
      ),
    container: containerSchema.optional(),
    inputs: valuesSchema.optional(),
    retry: retrySchema.optional(),
    resources: entryResourcesSchema.optional(),
    constraints: constraintsSchema.optional().describe('Where it may run; goes field by field before those of spec'),
    objectives: objectivesSchema.optional(),
  })
  .meta({ id: 'action' });
export type ActionEntry = z.infer<typeof actionEntrySchema>;

/** A group without a look into its actions: for a parser that judges each entry by itself. */
export const groupShellSchema = z.strictObject({ ...groupFields, actions: z.array(z.unknown()).min(1) });
export type GroupEntry = Omit<z.infer<typeof groupShellSchema>, 'actions'> & { actions: Entry[] };
export type Entry = ActionEntry | GroupEntry;

export const groupEntrySchema: z.ZodType<GroupEntry> = z
  .lazy(() => z.strictObject({ ...groupFields, actions: z.array(entrySchema).min(1) }))
  .meta({ id: 'group' });
export const entrySchema: z.ZodType<Entry> = z
  .lazy(() => z.union([groupEntrySchema, actionEntrySchema]))
  .meta({ id: 'entry' });

const specFields = {
  id: z.string().regex(/^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$/, 'expected lower-case letters, digits, . _ or -'),
  human_name: z.string().max(128).optional(),
  description: z.string().optional(),
  trigger: z.strictObject({ kind: z.literal('manual'), outputs: z.array(ioDeclarationSchema).optional() }).optional(),
  results: valuesSchema.optional(),
  timeout: durationSchema.optional().describe('The longest a run may take, before finally'),
  finally_timeout: durationSchema.optional().describe('The longest finally may take; 10 minutes unless told'),
  constraints: constraintsSchema.optional().describe('Of each action, where it says nothing else'),
  objectives: objectivesSchema.optional(),
};
const documentFields = { apiVersion: z.literal('ryax.tech/v2.0'), kind: z.literal('Workflow') };

export const definitionSchema = z.strictObject({
  ...documentFields,
  spec: z.strictObject({
    ...specFields,
    actions: z.array(entrySchema).min(1),
    finally: z.array(actionEntrySchema).optional(),
  }),
});
export type Definition = z.infer<typeof definitionSchema>;

/** A definition without a look into its entries, see {@link groupShellSchema}. */
export const definitionShellSchema = z.strictObject({
  ...documentFields,
  spec: z.strictObject({
    ...specFields,
    actions: z.array(z.unknown()).min(1),
    finally: z.array(z.unknown()).optional(),
  }),
});

/**
 * What is deployed: the definition as written and the actions that its references meant at that time, by content.
 * Stored in the filestore under the hash of its canonical JSON; runs pin that hash.
 */
export const deployedDefinitionSchema = z.strictObject({
  definition: z.custom<Definition>((value) => typeof value === 'object' && value !== null),
  /** By the reference that the definition uses (`split-by-region@1.2`, `sha256:…`). */
  actions: z.record(z.string(), pinnedActionSchema),
});
export type DeployedDefinition = z.infer<typeof deployedDefinitionSchema>;

/** The JSON Schema of a definition, for editors: `docs/workflow.schema.json`. */
export function workflowJsonSchema(): JsonValue {
  const { $schema, ...schema } = z.toJSONSchema(definitionSchema, { target: 'draft-7', io: 'input' });
  const described = {
    $schema,
    title: 'Ryax workflow',
    description: 'A workflow definition; see definition.md',
    ...schema,
  };
  return jsonValueSchema.parse(JSON.parse(JSON.stringify(described)));
}
