import { z } from 'zod';
import { parsedJsonSchema } from './json';
import {
  actionPublishSchema,
  answerSchema,
  beatAnswerSchema,
  beatSchema,
  cancelCommandSchema,
  cancelSchema,
  commandReplySchema,
  deployCommandSchema,
  executorPoolsSchema,
  logChunkSchema,
  prewarmSchema,
  queryReplySchema,
  querySchema,
  reportSchema,
  runCancelSchema,
  runStartCurrentSchema,
  runStartSchema,
  runnerBeatSchema,
  settledSchema,
  startCommandSchema,
  startSchema,
  traitsSchema,
  undeployCommandSchema,
  wakeSchema,
  workflowDeploySchema,
  workflowUndeploySchema,
} from './messages';

/** A message of ours: CloudEvents 1.0 attributes that we use, and its data. */
export interface Message<Data = unknown> {
  readonly id: string;
  readonly type: MessageType;
  readonly source: string;
  /** The stream it concerns, where it concerns one. */
  readonly subject?: string;
  readonly project: string;
  readonly time?: string;
  readonly traceparent?: string;
  readonly data: Data;
}

/** Every message type of ours with the schema of its data. The version is part of the type's name on the wire. */
export const messageSchemas = {
  'command.workflow.deploy': deployCommandSchema,
  'command.workflow.undeploy': undeployCommandSchema,
  'command.run.start': startCommandSchema,
  'command.run.cancel': cancelCommandSchema,
  'run.start': runStartSchema,
  'run.start-current': runStartCurrentSchema,
  'run.cancel': runCancelSchema,
  'workflow.deploy': workflowDeploySchema,
  'workflow.undeploy': workflowUndeploySchema,
  'action.publish': actionPublishSchema,
  'execution.report': reportSchema,
  'execution.answer': answerSchema,
  'execution.start': startSchema,
  'execution.cancel': cancelSchema,
  'execution.query': querySchema,
  'execution.settled': settledSchema,
  'executor.prewarm': prewarmSchema,
  'executor.traits': traitsSchema,
  'executor.pools': executorPoolsSchema,
  'executor.beat': beatSchema,
  'runner.beat': runnerBeatSchema,
  'executor.beat-answer': beatAnswerSchema,
  'execution.log': logChunkSchema,
  'log.wake': wakeSchema,
  'command.reply': commandReplySchema,
  'query.reply': queryReplySchema,
  /** A question to the state store; its shape is declared in queries.ts by `name`. */
  query: z.strictObject({ name: z.string(), parameters: parsedJsonSchema }),
  /** A committed event on its way out; see {@link OutwardEvent}. */
  event: parsedJsonSchema,
} as const;
export type MessageType = keyof typeof messageSchemas;
export type DataOf<T extends MessageType> = z.infer<(typeof messageSchemas)[T]>;

/** The CloudEvents `type` on the wire: `tech.ryax.<type>.v<version>`. */
export const MESSAGE_VERSION = 1;
export function cloudEventType(type: MessageType): string {
  return `tech.ryax.${type}.v${MESSAGE_VERSION}`;
}

/** What other services receive on `ryax.events`; they dedupe by stream and version, and order by version. */
export const outwardEventSchema = z.strictObject({
  project: z.string(),
  stream: z.string(),
  version: z.int().positive(),
  position: z.int().positive(),
  type: z.string(),
  schema: z.int(),
  recorded_at: z.string(),
  data: parsedJsonSchema,
});
export type OutwardEvent = z.infer<typeof outwardEventSchema>;
