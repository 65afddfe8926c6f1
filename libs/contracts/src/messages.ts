import { z } from 'zod';
import { actionManifestSchema } from './action-manifest';
import { faultSchema, failureSchema } from './failure';
import { contentHashSchema, parsedJsonObjectSchema, parsedJsonSchema } from './json';

/**
 * Everything that crosses a process boundary, declared once: schema and TypeScript type. Data is snake_case, as in
 * REST and in events. Durations, never times of day: no two clocks are compared.
 */

export const idempotencyKeySchema = z.string().min(1).max(256);
export const labelsSchema = z.record(z.string().min(1).max(63), z.string().max(255));

// ---- From outside (ryax.commands): what REST offers, as messages; answered with command.reply -------------------

export const deployCommandSchema = z.strictObject({ definition: parsedJsonSchema });
export const undeployCommandSchema = z.strictObject({ workflow_id: z.string().min(1) });
export const startCommandSchema = z.strictObject({
  workflow_id: z.string().min(1),
  inputs: parsedJsonObjectSchema.optional(),
  labels: labelsSchema.optional(),
  /** Repeats with the same key give the same run; without one, the CloudEvents source and id are the key. */
  idempotency_key: idempotencyKeySchema.optional(),
});
export const cancelCommandSchema = z.strictObject({
  run_id: z.string().min(1),
  reason: z.string().max(1000).optional(),
  force: z.boolean().optional(),
});

// ---- To the runner (ryax.runner), one stream each --------------------------------------------------------------

export const runStartSchema = z.strictObject({
  run_id: z.string(),
  workflow_id: z.string(),
  workflow_version: z.int().positive(),
  definition_hash: contentHashSchema,
  inputs: parsedJsonObjectSchema,
  labels: labelsSchema,
  request_hash: z.string(),
  key: idempotencyKeySchema,
  started_by: z.string().nullable(),
});
/**
 * As `run.start`, of what its sender saw as the workflow's current version when the workflow's stream was at `workflow_head`.
 * The run starts only while it still is; otherwise the command is rejected with `conflict`, and its sender looks again.
 */
export const runStartCurrentSchema = z.strictObject({ ...runStartSchema.shape, workflow_head: z.int().positive() });
export const runCancelSchema = z.strictObject({
  run_id: z.string(),
  reason: z.string(),
  force: z.boolean(),
  requested_by: z.string().nullable(),
});
export const workflowDeploySchema = z.strictObject({
  workflow_id: z.string(),
  definition_hash: contentHashSchema,
  human_name: z.string(),
  deployed_by: z.string().nullable(),
});
export const workflowUndeploySchema = z.strictObject({ workflow_id: z.string(), undeployed_by: z.string().nullable() });
export const actionPublishSchema = z.strictObject({
  action_id: z.string(),
  version: z.string(),
  content_hash: contentHashSchema,
  manifest: actionManifestSchema,
  published_by: z.string().nullable(),
});

/** What an attempt was, as its executor reports it. */
export const outcomeSchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('succeeded'),
    outputs: parsedJsonObjectSchema,
    warnings: z.array(z.string()).optional(),
  }),
  z.strictObject({ status: z.literal('failed'), failure: failureSchema }),
  z.strictObject({ status: z.literal('cancelled') }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

const attemptOfRun = { run_id: z.string(), execution: z.string(), attempt: z.int().positive() };
const reporter = { executor: z.string(), incarnation: z.string() };

/**
 * What became of an attempt. `unknown`, `holding` and `returned` do not say what they answer, so that a late one could be taken for
 * the answer to something newer: only what was there before {@link answerSchema} sends them, and to a runner they prove nothing.
 */
export const reportSchema = z.discriminatedUnion('report', [
  z.strictObject({ report: z.literal('started'), ...attemptOfRun, ...reporter, started_ms_ago: z.number() }),
  z.strictObject({
    report: z.literal('ended'),
    ...attemptOfRun,
    ...reporter,
    outcome: outcomeSchema,
    duration_ms: z.number().nullable(),
  }),
  z.strictObject({ report: z.literal('returned'), ...attemptOfRun, ...reporter, reason: z.string() }),
  z.strictObject({ report: z.literal('holding'), ...attemptOfRun, ...reporter }),
  z.strictObject({ report: z.literal('unknown'), ...attemptOfRun, ...reporter }),
]);
export type Report = z.infer<typeof reportSchema>;

/** The `time` of a start or a query, in milliseconds since the epoch. By the database, and only echoed: null if it had none. */
const echoedTime = z.number().nullable();
/**
 * What an executor says to a start, or to a query, and which one: `since` is the time of the start, `asked_at` that of the query.
 * - `holding`: runs or waits here, by this start; `asked_at` is null where nobody has asked.
 * - `unknown`: is not here, and no start of it that is older than this query will be taken here.
 * - `returned`: this start is given back unspawned, and no copy of it will be taken here.
 */
export const answerSchema = z.discriminatedUnion('answer', [
  z.strictObject({
    answer: z.literal('holding'),
    ...attemptOfRun,
    ...reporter,
    since: echoedTime,
    asked_at: echoedTime,
  }),
  z.strictObject({ answer: z.literal('unknown'), ...attemptOfRun, ...reporter, asked_at: echoedTime }),
  z.strictObject({
    answer: z.literal('returned'),
    ...attemptOfRun,
    ...reporter,
    since: echoedTime,
    reason: z.string(),
  }),
]);
export type Answer = z.infer<typeof answerSchema>;

// ---- To executors (ryax.executions) ----------------------------------------------------------------------------

export const actionToRunSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('builtin'), name: z.enum(['noop', 'sleep']) }),
  /** An action folder; its metadata, with the declared inputs and outputs, is part of the content. */
  z.strictObject({ type: z.literal('handler'), content_hash: contentHashSchema }),
  z.strictObject({
    type: z.literal('container'),
    image: z.string(),
    command: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    outputs: z.array(parsedJsonSchema),
  }),
]);
export type ActionToRun = z.infer<typeof actionToRunSchema>;

/** What is asked of a node. */
const ofNode = { cpu: z.number().optional(), memory_bytes: z.number().optional(), gpu: z.number().optional() };

export const startSchema = z.strictObject({
  ...attemptOfRun,
  project: z.string(),
  workflow_id: z.string(),
  action: actionToRunSchema,
  /** Resolved inputs; `$file`, `$secret` and `$value` references are resolved by the executor. */
  inputs: parsedJsonObjectSchema,
  resources: z.strictObject({ ...ofNode, time_ms: z.number().optional() }),
  timeout_ms: z.number().nullable(),
  /** May only be spawned while the newest answer to the executor's beat is younger than this. */
  valid_for_ms: z.number(),
  /** The partition of the runner's inbox that reports go to. */
  reply_partition: z.int().nonnegative(),
  traceparent: z.string().optional(),
});
export type Start = z.infer<typeof startSchema>;

/** Names one attempt among all runs of all projects. */
export const attemptSchema = z.strictObject({
  project: z.string(),
  ...attemptOfRun,
  reply_partition: z.int().nonnegative(),
});
export type Attempt = z.infer<typeof attemptSchema>;

export const cancelSchema = z.strictObject({
  attempts: z.array(z.strictObject({ ...attemptSchema.shape, force: z.boolean() })),
});
export const querySchema = z.strictObject({ attempts: z.array(attemptSchema) });
export const settledSchema = z.strictObject({
  attempts: z.array(z.strictObject({ project: z.string(), ...attemptOfRun })),
});

/**
 * Handlers of a workflow that was just deployed, of which the executor may have one warm each before the first run. Advice: it may be
 * lost, late or repeated, and nobody waits for what becomes of it.
 */
export const prewarmSchema = z.strictObject({
  project: z.string(),
  /** At most `limits.prewarmedHandlers`, each once. */
  handlers: z.array(z.strictObject({ content_hash: contentHashSchema, resources: z.strictObject(ofNode) })),
});
export type Prewarm = z.infer<typeof prewarmSchema>;

export const poolSchema = z.strictObject({
  name: z.string(),
  slots: z.int().nonnegative(),
  cpu: z.number(),
  memory_bytes: z.number(),
  gpu: z.number(),
  free: z.strictObject({ slots: z.int(), cpu: z.number(), memory_bytes: z.number(), gpu: z.number() }),
});
export const beatSchema = z.strictObject({
  ...reporter,
  site: z.string(),
  pools: z.array(poolSchema),
  /** The sender's monotonic clock, echoed in the answer. */
  sent: z.number(),
  schema_max: z.int(),
});
export type Beat = z.infer<typeof beatSchema>;
/**
 * What kind of executor this is, said with each beat, before it; one that says nothing keeps no work.
 * `keeps_work`: what it runs goes on when it dies, and a successor at its site answers for it. That one calls unknown only what it
 * knows not to be there: of what it has seen and not taken over yet it says nothing.
 */
export const traitsSchema = z.strictObject({ ...reporter, site: z.string(), keeps_work: z.boolean() });
export type Traits = z.infer<typeof traitsSchema>;
/** What a pool is like, beside what a beat says of it: what a runner chooses by. */
export const poolKindSchema = z.strictObject({
  name: z.string(),
  /** null: its nodes may be of several kinds, and it takes nothing that asks for one. */
  architecture: z.string().nullable(),
  /** How well it does by each objective: 0 to 100, the best. */
  scores: z.strictObject({ time: z.number(), cost: z.number(), energy: z.number() }),
  /** The longest that an attempt may take there. */
  time_limit_ms: z.number().nullable(),
  /** The most that one execution can have there: what one node has. */
  node: z.strictObject({ cpu: z.number(), memory_bytes: z.number(), gpu: z.number() }),
});
export type PoolKind = z.infer<typeof poolKindSchema>;
/**
 * What an executor's pools are like, said with each beat, before it. Of pools that nobody describes only those named `default` take
 * what asks for no place, and whether it fits is left to their executor.
 */
export const executorPoolsSchema = z.strictObject({ ...reporter, site: z.string(), pools: z.array(poolKindSchema) });
export type ExecutorPools = z.infer<typeof executorPoolsSchema>;
/** A runner hears its own beat on the executors' exchange: silence of others counts only while it does. */
export const runnerBeatSchema = z.strictObject({ incarnation: z.string(), sent: z.number() });
export const beatAnswerSchema = z.strictObject({ sent: z.number(), incarnations: z.array(z.string()) });

// ---- Logs and hints ---------------------------------------------------------------------------------------------

/** Consecutive output of one attempt. `offset` counts bytes of the attempt's whole log; `end` closes it. */
export const logChunkSchema = z.strictObject({
  project: z.string(),
  ...attemptOfRun,
  offset: z.int().nonnegative(),
  /** UTF-8; bytes that are none are replaced. */
  text: z.string(),
  bytes: z.int().nonnegative(),
  end: z.boolean(),
});
export type LogChunk = z.infer<typeof logChunkSchema>;

export const wakeSchema = z.strictObject({ position: z.number() });

// ---- Replies ----------------------------------------------------------------------------------------------------

/** Why a command was not carried out. Closed: each is mapped to one HTTP status at the edge. */
export const rejectionCodeSchema = z.enum([
  'invalid',
  'not-found',
  'conflict',
  'key-reused',
  'ended',
  'unavailable',
  'too-large',
]);
export type RejectionCode = z.infer<typeof rejectionCodeSchema>;
export const rejectionSchema = z.strictObject({
  code: rejectionCodeSchema,
  message: z.string(),
  details: z.array(faultSchema).optional(),
});
export type Rejection = z.infer<typeof rejectionSchema>;

/** What the asker of a command is told: where in the log it stands, or why not. */
export const commandReplySchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('accepted'),
    /** The stream's version after the command; equal to the version before it for a plain repeat. */
    version: z.int(),
    position: z.int().nullable(),
    /** What the command is about to be called by: `run_id`, `workflow_version`, the run's `state`. */
    result: parsedJsonObjectSchema,
  }),
  z.strictObject({ status: z.literal('rejected'), rejection: rejectionSchema }),
]);
export type CommandReply = z.infer<typeof commandReplySchema>;

export const queryReplySchema = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('answered'), result: parsedJsonSchema }),
  z.strictObject({ status: z.literal('rejected'), rejection: rejectionSchema }),
]);
export type QueryReply = z.infer<typeof queryReplySchema>;

export type DeployCommand = z.infer<typeof deployCommandSchema>;
export type UndeployCommand = z.infer<typeof undeployCommandSchema>;
export type StartCommand = z.infer<typeof startCommandSchema>;
export type CancelCommand = z.infer<typeof cancelCommandSchema>;
export type RunStart = z.infer<typeof runStartSchema>;
export type RunCancel = z.infer<typeof runCancelSchema>;
export type WorkflowDeploy = z.infer<typeof workflowDeploySchema>;
export type WorkflowUndeploy = z.infer<typeof workflowUndeploySchema>;
export type ActionPublish = z.infer<typeof actionPublishSchema>;
export type Cancel = z.infer<typeof cancelSchema>;
export type Query = z.infer<typeof querySchema>;
export type Settled = z.infer<typeof settledSchema>;
export type RunnerBeat = z.infer<typeof runnerBeatSchema>;
export type BeatAnswer = z.infer<typeof beatAnswerSchema>;
export type Wake = z.infer<typeof wakeSchema>;
