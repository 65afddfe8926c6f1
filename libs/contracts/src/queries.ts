import { z } from 'zod';
import { actionManifestSchema, pinnedActionSchema } from './action-manifest';
import { runEventSchemas } from './events';
import { failureSchema } from './failure';
import { contentHashSchema, parsedJsonObjectSchema, parsedJsonSchema } from './json';

/**
 * Questions to the state store, each with its parameters and its answer. Asked as one message type, `query`, by name;
 * answered with `query.reply`. What REST shows is these answers, so they are snake_case and complete.
 *
 * Single workflows, runs and actions are read by folding their own stream: never stale. Lists come from projections and
 * say how far those have looked (`as_of`) and whether that is behind what was committed at the query's arrival (`stale`).
 */
const project = z.string();
const page = { cursor: z.string().optional(), limit: z.int().min(1).max(1000).optional() };
const listed = { next_cursor: z.string().nullable(), as_of: z.number(), stale: z.boolean() };
const timestamp = z.string();

export const runStateSchema = z.enum([
  'running',
  'cancelling',
  'failing',
  'finalizing',
  'succeeded',
  'failed',
  'cancelled',
]);
export type RunState = z.infer<typeof runStateSchema>;

export const workflowViewSchema = z.strictObject({
  workflow_id: z.string(),
  version: z.int(),
  human_name: z.string(),
  definition_hash: contentHashSchema,
  deployed: z.boolean(),
  deployed_at: timestamp,
});
export type WorkflowView = z.infer<typeof workflowViewSchema>;

/**
 * What a list knows of a run's state: the states that an event of their own announces. A run that a single read shows
 * as `failing` or `finalizing` (both follow from the fold of all its executions) is `running` in lists.
 */
export const listedRunStateSchema = runStateSchema.exclude(['failing', 'finalizing']);
export type ListedRunState = z.infer<typeof listedRunStateSchema>;

export const runSummarySchema = z.strictObject({
  run_id: z.string(),
  workflow_id: z.string(),
  workflow_version: z.int(),
  state: listedRunStateSchema,
  labels: z.record(z.string(), z.string()),
  created_at: timestamp,
  ended_at: timestamp.nullable(),
  /** Executions by how they ended; null until the run has. */
  counts: runEventSchemas.RunSucceeded.shape.counts.nullable(),
  /** The first cause; null unless the run failed. */
  failure: failureSchema.nullable(),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

export const executionEndSchema = z.enum(['succeeded', 'failed', 'skipped', 'cancelled']);
export type ExecutionEnd = z.infer<typeof executionEndSchema>;

export const executionSummarySchema = z.strictObject({
  run_id: z.string(),
  workflow_id: z.string(),
  execution: z.string(),
  state: executionEndSchema,
  /** The attempt that ended it; null when it ended before any (skipped, an input that does not fit) and for a group. */
  attempt: z.int().nullable(),
  duration_ms: z.number().nullable(),
  executor: z.string().nullable(),
  ended_at: timestamp,
  failure: failureSchema.nullable(),
});
export type ExecutionSummary = z.infer<typeof executionSummarySchema>;

export const historyEventSchema = z.strictObject({
  version: z.int(),
  type: z.string(),
  recorded_at: timestamp,
  data: parsedJsonSchema,
  /** What caused it: the message's id and type, and who asked. */
  cause: parsedJsonSchema,
  hash: z.string(),
});
export type HistoryEvent = z.infer<typeof historyEventSchema>;

/** A message that could not be handled. What it says of itself is null where that cannot be read. */
export const deadLetterSchema = z.strictObject({
  id: z.string(),
  parked_at: timestamp,
  /** How often the very same message has been parked. */
  times: z.int().positive(),
  reason: z.string(),
  /** The queue that it was in, and how it was published. */
  queue: z.string(),
  exchange: z.string(),
  routing_key: z.string(),
  /** Failed tries. */
  tries: z.int().nonnegative(),
  message_id: z.string().nullable(),
  message_type: z.string().nullable(),
  source: z.string().nullable(),
  subject: z.string().nullable(),
  /** Of its body. */
  bytes: z.int().nonnegative(),
});
export type DeadLetterView = z.infer<typeof deadLetterSchema>;

/** How far the read models are built anew, beside those that serve. */
const rebuildSchema = z.strictObject({
  rebuilding: z.boolean(),
  /** Of the log: what the new ones have folded, and its end. */
  position: z.number(),
  last_position: z.number(),
});

export const queries = {
  /** What was decided once for the life of the database. */
  'engine.settings': {
    parameters: z.strictObject({ project }),
    answer: z.strictObject({ partitions: z.int().positive() }),
  },
  /** What of the project is under way, counted in the log. */
  'project.load': {
    parameters: z.strictObject({ project }),
    answer: z.strictObject({ open_runs: z.int().nonnegative() }),
  },
  'workflow.list': {
    parameters: z.strictObject({ project, ...page }),
    answer: z.strictObject({ items: z.array(workflowViewSchema), ...listed }),
  },
  /**
   * Without a version: the newest deployed one. Includes the definition as it was written; null when that is larger than
   * a message may be, and is read from the filestore under its hash.
   */
  'workflow.get': {
    parameters: z.strictObject({ project, workflow_id: z.string(), version: z.int().positive().optional() }),
    answer: z.strictObject({ ...workflowViewSchema.shape, definition: parsedJsonSchema, versions: z.array(z.int()) }),
  },
  /** What a start of the workflow pins, without its content, and the version of the workflow's stream that says so. */
  'workflow.current': {
    parameters: z.strictObject({ project, workflow_id: z.string() }),
    answer: z.strictObject({
      version: z.int(),
      definition_hash: contentHashSchema,
      deployed: z.boolean(),
      head: z.int().positive(),
    }),
  },
  'action.list': {
    parameters: z.strictObject({ project, ...page }),
    answer: z.strictObject({
      items: z.array(
        z.strictObject({
          action_id: z.string(),
          version: z.string(),
          content_hash: contentHashSchema,
          manifest: actionManifestSchema,
        }),
      ),
      ...listed,
    }),
  },
  /** The published actions under these `id@version`; unknown ones are absent. */
  'action.resolve': {
    parameters: z.strictObject({ project, references: z.array(z.string()).max(10_000) }),
    answer: z.strictObject({ actions: z.record(z.string(), pinnedActionSchema), known: z.array(z.string()) }),
  },
  'run.list': {
    parameters: z.strictObject({
      project,
      workflow_id: z.string().optional(),
      state: listedRunStateSchema.optional(),
      /** All of them must be equal. */
      labels: z.record(z.string(), z.string()).optional(),
      ...page,
    }),
    answer: z.strictObject({ items: z.array(runSummarySchema), ...listed }),
  },
  /** The run folded up to `version` (default: all of it), as `libs/workflow` describes it. Executions are paged. */
  'run.get': {
    parameters: z.strictObject({ project, run_id: z.string(), version: z.int().positive().optional(), ...page }),
    answer: z.strictObject({ run: parsedJsonObjectSchema, version: z.int() }),
  },
  'run.history': {
    parameters: z.strictObject({
      project,
      run_id: z.string(),
      after_version: z.int().nonnegative().optional(),
      limit: z.int().min(1).max(1000).optional(),
      /** Wait this long for an event after `after_version` when there is none yet: the live stream's one mechanism. */
      wait_ms: z.int().min(0).max(30_000).optional(),
    }),
    answer: z.strictObject({ events: z.array(historyEventSchema), head_version: z.int(), open: z.boolean() }),
  },
  'run.results': {
    parameters: z.strictObject({ project, run_id: z.string() }),
    answer: z.strictObject({ state: runStateSchema, results: parsedJsonObjectSchema }),
  },
  /** Executions of all runs that ended in this way, newest first: what failed lately. */
  'execution.list': {
    parameters: z.strictObject({ project, state: executionEndSchema, ...page }),
    answer: z.strictObject({ items: z.array(executionSummarySchema), ...listed }),
  },
  /** Log text of an execution's attempt (default: its newest) from a byte offset. */
  'execution.log': {
    parameters: z.strictObject({
      project,
      run_id: z.string(),
      execution: z.string(),
      attempt: z.int().positive().optional(),
      offset: z.int().nonnegative().optional(),
      limit_bytes: z.int().positive().max(1_048_576).optional(),
      wait_ms: z.int().min(0).max(30_000).optional(),
    }),
    answer: z.strictObject({
      attempt: z.int().nullable(),
      text: z.string(),
      next_offset: z.int(),
      complete: z.boolean(),
    }),
  },
  'read-models.status': { parameters: z.strictObject({ project }), answer: rebuildSchema },
  /** Begins to build the read models of all projects anew; one that is under way goes on. */
  'read-models.rebuild': { parameters: z.strictObject({ project }), answer: rebuildSchema },
  /** What could not be handled, newest first. It belongs to no project: nobody knows whose a message is that cannot be read. */
  'dead-letter.list': {
    parameters: z.strictObject({ project, ...page }),
    answer: z.strictObject({ items: z.array(deadLetterSchema), next_cursor: z.string().nullable() }),
  },
  'dead-letter.get': {
    parameters: z.strictObject({ project, id: z.string() }),
    answer: z.strictObject({
      ...deadLetterSchema.shape,
      content_type: z.string(),
      headers: parsedJsonObjectSchema,
      /** The beginning of the body, all of it unless it is `truncated`; as base64 where it is no UTF-8. */
      body: z.string(),
      body_encoding: z.enum(['utf8', 'base64']),
      truncated: z.boolean(),
    }),
  },
  /**
   * Publishes it as it came, to where it was published, and forgets it once the broker has it. It may be published twice, as
   * every message may. Rejected with `conflict` when nobody is bound there any more.
   */
  'dead-letter.replay': {
    parameters: z.strictObject({ project, id: z.string() }),
    answer: z.strictObject({ id: z.string(), exchange: z.string(), routing_key: z.string() }),
  },
  'dead-letter.drop': {
    parameters: z.strictObject({ project, id: z.string() }),
    answer: z.strictObject({ id: z.string() }),
  },
  /** When a run of this definition would end if it were started now. */
  'run.estimate': {
    parameters: z.strictObject({ project, definition_hash: contentHashSchema, inputs: parsedJsonObjectSchema }),
    answer: z.strictObject({
      duration_ms: z.number().nullable(),
      /** Where it will probably lie. */
      range_ms: z.tuple([z.number(), z.number()]).nullable(),
      /** 0 to 1: the share of the expected work whose duration was seen before. */
      confidence: z.number(),
      basis: z.string(),
    }),
  },
} as const;

export type Queries = typeof queries;
export type QueryName = keyof Queries;
export type QueryParameters<N extends QueryName> = z.infer<Queries[N]['parameters']>;
export type QueryAnswer<N extends QueryName> = z.infer<Queries[N]['answer']>;
