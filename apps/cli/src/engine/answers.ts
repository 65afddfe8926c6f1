import { z } from 'zod';

/**
 * What this program reads of the engine's answers. Fields that it does not use are passed over, so that an engine which
 * has learnt to say more can still be talked to.
 */
const failure = z.object({
  kind: z.string(),
  message: z.string(),
  code: z.union([z.string(), z.number()]).optional(),
});
export type FailureAnswer = z.infer<typeof failure>;

const counts = z.record(z.string(), z.number());
const nullableText = z.string().nullable();

export const refusal = z.object({
  error: z.string(),
  details: z.array(z.object({ path: z.string(), reason: z.string() })).default([]),
});

export const deployment = z.object({ workflow_id: z.string(), version: z.number() });

export const cancelledRun = z.object({ state: z.string() });

const warnings = z.array(z.object({ path: z.string(), reason: z.string() }));
export const validation = z.object({ workflow_id: z.string(), warnings: warnings.default([]) });

export const uploadedAction = z.object({
  action_id: z.string(),
  version: z.string(),
  content_hash: z.string(),
  warnings: z.array(z.string()).default([]),
});
export type UploadedAction = z.infer<typeof uploadedAction>;

const fileValue = z.object({
  $file: z.string(),
  name: z.string(),
  size: z.number(),
  kind: z.enum(['file', 'directory']),
});
export const uploadedFile = z.object({ value: fileValue });

export const startedRun = z.object({
  run_id: z.string(),
  workflow_id: z.string(),
  workflow_version: z.number(),
  estimate: z.object({ duration_ms: z.number().nullable(), confidence: z.number() }).nullish(),
});
export type StartedRun = z.infer<typeof startedRun>;

const startedItem = z.object({
  status: z.literal(202),
  run_id: z.string(),
  workflow_id: z.string(),
  workflow_version: z.number(),
});
const refusedItem = refusal.extend({ status: z.number(), run_id: z.string().optional() });
const batchItem = z.union([startedItem, refusedItem]);
export type BatchItem = z.infer<typeof batchItem>;
export const startedBatch = (count: number) => z.object({ items: z.array(batchItem).length(count) });

export const workflow = z.object({
  workflow_id: z.string(),
  version: z.number(),
  definition: z.unknown(),
});

export const runList = z.object({
  items: z.array(
    z.object({
      run_id: z.string(),
      workflow_id: z.string(),
      workflow_version: z.number(),
      state: z.string(),
      labels: z.record(z.string(), z.string()),
      created_at: z.string(),
      ended_at: nullableText,
      failure: failure.nullable(),
    }),
  ),
  next_cursor: nullableText,
});
export type RunListItem = z.infer<typeof runList>['items'][number];

export const actionList = z.object({
  items: z.array(
    z.object({
      action_id: z.string(),
      version: z.string(),
      content_hash: z.string(),
      manifest: z.object({ human_name: z.string(), runtime: z.string() }),
    }),
  ),
  next_cursor: nullableText,
});
export type CatalogueItem = z.infer<typeof actionList>['items'][number];

const action = z.object({
  id: z.string(),
  kind: z.string(),
  group: nullableText,
  in_finally: z.boolean(),
  state: nullableText,
  for_each: z.object({ count: z.number().nullable(), opened: z.number() }).nullable(),
  counts,
  attempts: z.number(),
  started_at: nullableText,
  ended_at: nullableText,
  failure: failure.nullable(),
});
export type ActionAnswer = z.infer<typeof action>;

const execution = z.object({
  execution: z.string(),
  action: z.string(),
  kind: z.string(),
  state: z.string(),
  attempts: z.number(),
  ready_at: nullableText,
  scheduled_at: nullableText,
  started_at: nullableText,
  ended_at: nullableText,
  retry_at: nullableText,
  /** Of an engine that does not say it: absent. */
  waiting_for: nullableText.optional(),
  failure: failure.nullable(),
});
export type ExecutionAnswer = z.infer<typeof execution>;

const run = z.object({
  run_id: z.string(),
  workflow_id: z.string(),
  workflow_version: z.number(),
  version: z.number(),
  state: z.string(),
  labels: z.record(z.string(), z.string()),
  created_at: z.string(),
  updated_at: z.string(),
  ended_at: nullableText,
  duration_ms: z.number().nullable(),
  counts,
  cancel: z.object({ reason: z.string(), requested_by: nullableText }).nullable(),
  failure: failure.extend({ execution: nullableText }).nullable(),
  actions: z.array(action),
  actions_total: z.number(),
  executions: z.array(execution),
  next_cursor: nullableText,
});
export const runAnswer = z.object({ run });
export type RunAnswer = z.infer<typeof run>;

export const historyEvent = z.object({
  version: z.number(),
  type: z.string(),
  recorded_at: z.string(),
  data: z.record(z.string(), z.unknown()),
  cause: z.unknown(),
});
export type HistoryEvent = z.infer<typeof historyEvent>;
export const history = z.object({ events: z.array(historyEvent), head_version: z.number(), open: z.boolean() });

export const results = z.object({ state: z.string(), results: z.record(z.string(), z.json()) });
export type Results = z.infer<typeof results>;

const deadLetter = z.object({
  id: z.string(),
  parked_at: z.string(),
  times: z.number(),
  reason: z.string(),
  queue: z.string(),
  exchange: z.string(),
  routing_key: z.string(),
  tries: z.number(),
  message_id: nullableText,
  message_type: nullableText,
  source: nullableText,
  subject: nullableText,
  bytes: z.number(),
});
export type DeadLetterItem = z.infer<typeof deadLetter>;
export const deadLetterList = z.object({ items: z.array(deadLetter), next_cursor: nullableText });
export const deadLetterAnswer = deadLetter.extend({
  content_type: z.string(),
  headers: z.record(z.string(), z.json()),
  body: z.string(),
  body_encoding: z.enum(['utf8', 'base64']),
  truncated: z.boolean(),
});
export type DeadLetterAnswer = z.infer<typeof deadLetterAnswer>;
export const replayedLetter = z.object({ id: z.string(), exchange: z.string(), routing_key: z.string() });
export const nothing = z.object({});

export const rebuild = z.object({ rebuilding: z.boolean(), position: z.number(), last_position: z.number() });
