import { z } from 'zod';
import { actionManifestSchema } from './action-manifest';
import { failureSchema } from './failure';
import { contentHashSchema, parsedJsonObjectSchema } from './json';

/**
 * Facts. Past tense, never changed: a new shape raises `schema` and adds an upcast (docs/adding-an-event.md).
 *
 * `execution` names an execution: the action's id and one index for each `for_each` around it, joined by dots
 * (`split`, `fit.7`, `clean.7.2`). A collection and a group's instance are named the same way by their own entry's id
 * and the indexes around it.
 */
const execution = z.string();
const attempt = z.int().positive();
const counts = z.strictObject({
  succeeded: z.int(),
  failed: z.int(),
  skipped: z.int(),
  cancelled: z.int(),
});

/** One entry per type and schema version. `v` is the newest schema number, which is what we write. */
export const runEventSchemas = {
  RunStarted: z.strictObject({
    run_id: z.string(),
    workflow_id: z.string(),
    workflow_version: z.int().positive(),
    definition_hash: contentHashSchema,
    inputs: parsedJsonObjectSchema,
    labels: z.record(z.string(), z.string()),
    /** Of what the caller sent: a repeat with the same key and another hash is refused. */
    request_hash: z.string(),
    key: z.string(),
    trigger: z.strictObject({ kind: z.literal('manual'), occurrence: z.string().nullable() }),
    origin: z.strictObject({ run_id: z.string(), version: z.int(), execution: z.string().nullable() }).nullable(),
    parent: z.strictObject({ run_id: z.string(), execution: z.string() }).nullable(),
    /** Who asked, as the token says; null where the engine runs without tokens. */
    started_by: z.string().nullable(),
  }),
  /** The `when` of an action, group or collection was found true. Recorded so that no replay evaluates it again. */
  ConditionMet: z.strictObject({ execution }),
  /** Handed out as attempt n. */
  ExecutionScheduled: z.strictObject({ execution, attempt, site: z.string(), pool: z.string() }),
  /** Only for attempts that still ran after about 100 ms. */
  ExecutionStarted: z.strictObject({ execution, attempt, executor: z.string(), started_ms_ago: z.number() }),
  /** `attempt` is null for a group's end, whose outputs are those of the group. */
  ExecutionSucceeded: z.strictObject({
    execution,
    attempt: attempt.nullable(),
    outputs: parsedJsonObjectSchema,
    executor: z.string().nullable(),
    /** From spawn to end, on the executor's monotonic clock; null for a group. */
    duration_ms: z.number().nullable(),
    warnings: z.array(z.string()).optional(),
  }),
  /** `attempt` is null when it failed before any attempt (an expression, an input) and for a group. */
  ExecutionFailed: z.strictObject({
    execution,
    attempt: attempt.nullable(),
    failure: failureSchema,
    /** True when ExecutionRetryScheduled follows: then the execution itself has not failed. */
    will_retry: z.boolean(),
    executor: z.string().nullable(),
    duration_ms: z.number().nullable(),
  }),
  ExecutionRetryScheduled: z.strictObject({
    execution,
    /** The attempt to come. */
    attempt,
    /** Full jitter, drawn by the caller of `decide`. */
    delay_ms: z.number().nonnegative(),
    due_at_ms: z.number(),
    budget: z.enum(['user', 'infrastructure']),
  }),
  ExecutionSkipped: z.strictObject({
    execution,
    reason: z.strictObject({
      type: z.enum(['condition', 'upstream']),
      /** The execution whose skipping is passed on. */
      upstream: z.string().optional(),
    }),
  }),
  ExecutionCancelled: z.strictObject({
    execution,
    attempt: attempt.nullable(),
    /** False when nobody confirmed that the work has stopped before the cancel's deadline. */
    confirmed: z.boolean(),
    reason: z.enum(['run-cancelled', 'run-failed', 'run-timeout', 'scope-failed', 'finally-timeout', 'group-timeout']),
  }),
  CollectionOpened: z.strictObject({ execution, count: z.int().nonnegative() }),
  /** The verdict over a collection, once every opened element has ended. */
  CollectionClosed: z.strictObject({
    execution,
    state: z.enum(['succeeded', 'failed', 'cancelled']),
    /** Elements of this index and above were never opened. */
    opened: z.int().nonnegative(),
    counts,
    failure: failureSchema.nullable(),
  }),
  RunCancelRequested: z.strictObject({
    reason: z.string(),
    force: z.boolean(),
    /** The run's own time limits ask in this way, too. */
    cause: z.enum(['user', 'run-timeout', 'finally-timeout']),
    requested_by: z.string().nullable(),
  }),
  RunSucceeded: z.strictObject({ results: parsedJsonObjectSchema, counts }),
  RunFailed: z.strictObject({
    failure: failureSchema,
    /** The first cause; null when the run itself failed (its time limit, its results). */
    execution: execution.nullable(),
    counts,
  }),
  RunCancelled: z.strictObject({ reason: z.string(), counts }),
} as const;

export const workflowEventSchemas = {
  WorkflowDeployed: z.strictObject({
    workflow_id: z.string(),
    workflow_version: z.int().positive(),
    definition_hash: contentHashSchema,
    human_name: z.string(),
    deployed_by: z.string().nullable(),
  }),
  WorkflowUndeployed: z.strictObject({ workflow_id: z.string(), undeployed_by: z.string().nullable() }),
} as const;

export const actionEventSchemas = {
  ActionPublished: z.strictObject({
    action_id: z.string(),
    version: z.string(),
    content_hash: contentHashSchema,
    manifest: actionManifestSchema,
    published_by: z.string().nullable(),
  }),
} as const;

export const eventSchemas = { ...runEventSchemas, ...workflowEventSchemas, ...actionEventSchemas } as const;

type Schemas<T extends Record<string, z.ZodType>> = {
  [K in keyof T & string]: { type: K; data: z.infer<T[K]> };
}[keyof T & string];
export type RunEvent = Schemas<typeof runEventSchemas>;
export type WorkflowEvent = Schemas<typeof workflowEventSchemas>;
export type ActionEvent = Schemas<typeof actionEventSchemas>;
export type DomainEvent = RunEvent | WorkflowEvent | ActionEvent;
export type EventType = DomainEvent['type'];
export type EventOf<T extends EventType> = Extract<DomainEvent, { type: T }>;

/** The schema number that we write for every type; raised one by one when a shape changes. */
export const EVENT_SCHEMA = 1;

/** Streams are `<kind>:<project>:<id>`; the kind decides which aggregate decides. */
export const streamKinds = ['run', 'workflow', 'action'] as const;
export type StreamKind = (typeof streamKinds)[number];

export function streamId(kind: StreamKind, project: string, id: string): string {
  return `${kind}:${project}:${id}`;
}

export interface StreamName {
  readonly kind: StreamKind;
  readonly project: string;
  readonly id: string;
}

/** The inverse of {@link streamId}; undefined for what is no stream of ours. */
export function parseStreamId(stream: string): StreamName | undefined {
  const afterKind = stream.indexOf(':');
  const afterProject = stream.indexOf(':', afterKind + 1);
  if (afterKind === -1 || afterProject === -1) return undefined;
  const kind = streamKinds.find((each) => each.length === afterKind && stream.startsWith(each));
  const project = stream.slice(afterKind + 1, afterProject);
  const id = stream.slice(afterProject + 1);
  return kind === undefined || project === '' || id === '' ? undefined : { kind, project, id };
}
