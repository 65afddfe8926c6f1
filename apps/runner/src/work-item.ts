import type { Delivery } from '@ryax/broker';
import {
  streamId,
  type Answer,
  type DataOf,
  type Message,
  type MessageType,
  type Report,
  type RunStart,
} from '@ryax/contracts';
import type { SeenHead } from '@ryax/event-log';
import type { ActionMessage, RunMessage, WorkflowMessage } from '@ryax/workflow';

/** Something to decide for one stream. */
export interface WorkItem {
  readonly streamId: string;
  readonly work: StreamWork;
  /** Recorded with each event as its cause. */
  readonly cause: {
    readonly id: string;
    readonly type: string;
    readonly traceparent?: string;
    /** Of a hand-out: why there, where something was asked of the place. */
    readonly reasons?: readonly string[];
  };
  /** The message it came with; timers and reconciliation have none. */
  readonly delivery: Delivery | undefined;
  /** The start of a run pins what was seen at this head of its workflow's stream. */
  readonly given?: SeenHead;
  /** The report it came from: its executor is told when the attempt is settled. */
  readonly report: Extract<Report, { report: 'ended' | 'started' }> | undefined;
}

/** A message with the kind of aggregate that takes it. */
export type StreamWork =
  | { readonly kind: 'run'; readonly message: RunMessage }
  | { readonly kind: 'workflow'; readonly message: WorkflowMessage }
  | { readonly kind: 'action'; readonly message: ActionMessage };

/** What executors say that does not say what it answers. */
type UnrelatedReport = Extract<Report, { report: 'holding' | 'unknown' | 'returned' }>;

/** What a delivery of the inbox asks for; an answer of an executor concerns no stream's state. */
export type Received =
  | { readonly type: 'work'; readonly item: WorkItem }
  | { readonly type: 'answer'; readonly streamId: string; readonly said: Answer | UnrelatedReport }
  | { readonly type: 'misrouted'; readonly reason: string };

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}

/** Reads a delivery whose data the broker's border has already checked against the type's schema. */
export function receive(delivery: Delivery): Received {
  const { message } = delivery;
  if (isType(message, 'execution.report')) return receiveReport(message, delivery);
  if (isType(message, 'execution.answer')) {
    return { type: 'answer', streamId: streamId('run', message.project, message.data.run_id), said: message.data };
  }
  if (isType(message, 'run.start')) {
    return startOf(message.data, delivery);
  }
  if (isType(message, 'run.start-current')) {
    const { workflow_head: version, ...command } = message.data;
    const workflow = streamId('workflow', message.project, command.workflow_id);
    return startOf(command, delivery, { streamId: workflow, version });
  }
  if (isType(message, 'run.cancel')) {
    const stream = streamId('run', message.project, message.data.run_id);
    return work(delivery, stream, { kind: 'run', message: { type: 'cancel', command: message.data } });
  }
  if (isType(message, 'workflow.deploy')) {
    const stream = streamId('workflow', message.project, message.data.workflow_id);
    return work(delivery, stream, { kind: 'workflow', message: { type: 'deploy', command: message.data } });
  }
  if (isType(message, 'workflow.undeploy')) {
    const stream = streamId('workflow', message.project, message.data.workflow_id);
    return work(delivery, stream, { kind: 'workflow', message: { type: 'undeploy', command: message.data } });
  }
  if (isType(message, 'action.publish')) {
    const stream = streamId('action', message.project, `${message.data.action_id}@${message.data.version}`);
    return work(delivery, stream, { kind: 'action', message: { type: 'publish', command: message.data } });
  }
  return { type: 'misrouted', reason: `Expected a message for the runner, found ${message.type}` };
}

function startOf(command: RunStart, delivery: Delivery, given?: SeenHead): Received {
  const stream = streamId('run', delivery.message.project, command.run_id);
  const item = itemOf(delivery, stream, { kind: 'run', message: { type: 'start', command } });
  return { type: 'work', item: given === undefined ? item : { ...item, given } };
}

function receiveReport(message: Message<Report>, delivery: Delivery): Received {
  const report = message.data;
  const stream = streamId('run', message.project, report.run_id);
  const { execution, attempt } = report;
  switch (report.report) {
    case 'ended': {
      const { outcome, duration_ms: durationMs, executor } = report;
      const ended = { type: 'ended', execution, attempt, executor, outcome, durationMs } as const;
      return work(delivery, stream, { kind: 'run', message: ended }, report);
    }
    case 'started': {
      const { executor, started_ms_ago: startedMsAgo } = report;
      return work(
        delivery,
        stream,
        { kind: 'run', message: { type: 'started', execution, attempt, executor, startedMsAgo } },
        report,
      );
    }
    case 'holding':
    case 'unknown':
    case 'returned':
      return { type: 'answer', streamId: stream, said: report };
    default:
      return report satisfies never;
  }
}

function work(delivery: Delivery, stream: string, streamWork: StreamWork, report?: WorkItem['report']): Received {
  return { type: 'work', item: itemOf(delivery, stream, streamWork, report) };
}

function itemOf(delivery: Delivery, stream: string, streamWork: StreamWork, report?: WorkItem['report']): WorkItem {
  const { id, type, traceparent } = delivery.message;
  const cause = { id, type, ...(traceparent === undefined ? {} : { traceparent }) };
  return { streamId: stream, work: streamWork, cause, delivery, report };
}

/** What the runner itself has to say to a run: a timer, a takeover, the verdict of reconciliation. */
export function internalItem(stream: string, message: RunMessage, id: string): WorkItem {
  return {
    streamId: stream,
    work: { kind: 'run', message },
    cause: { id, type: `runner.${message.type}` },
    delivery: undefined,
    report: undefined,
  };
}
