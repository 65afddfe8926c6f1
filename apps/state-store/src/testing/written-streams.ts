import {
  EVENT_SCHEMA,
  parseStreamId,
  partitionOf,
  streamId,
  type DomainEvent,
  type EventOf,
  type RunEvent,
} from '@ryax/contracts';
import type { EventLog } from '@ryax/event-log';

interface Head {
  readonly version: number;
  readonly hash: string;
}

/** Appends events as the runner would, without deciding anything. */
export class WrittenStreams {
  private readonly heads = new Map<string, Head>();

  constructor(private readonly log: Pick<EventLog, 'append'>) {}

  /** Appends to one stream; answers the last position. */
  append(stream: string, ...events: readonly DomainEvent[]): Promise<number> {
    return this.appendAll([{ stream, events }]);
  }

  run(runId: string, ...events: readonly RunEvent[]): Promise<number> {
    return this.append(streamId('run', 'default', runId), ...events);
  }

  /** Appends to several streams in one transaction. */
  async appendAll(
    appends: readonly { readonly stream: string; readonly events: readonly DomainEvent[] }[],
  ): Promise<number> {
    const outcomes = await this.log.append(appends.map((each) => ({ streams: [this.streamAppend(each)] })));
    let last = 0;
    for (const outcome of outcomes) {
      if (outcome.status === 'conflict') throw new Error(`Expected to append, found a conflict of ${outcome.streamId}`);
      for (const head of outcome.heads) this.heads.set(head.streamId, head);
      last = Math.max(last, outcome.lastPosition);
    }
    return last;
  }

  private streamAppend({ stream, events }: { readonly stream: string; readonly events: readonly DomainEvent[] }) {
    const name = parseStreamId(stream);
    if (name === undefined) throw new Error(`Expected a stream of ours, found ${stream}`);
    const head = this.heads.get(stream);
    return {
      streamId: stream,
      project: name.project,
      kind: name.kind,
      partition: partitionOf(stream, 16),
      expectedVersion: head?.version ?? 0,
      expectedHash: head?.hash ?? null,
      open: !events.some(({ type }) => type === 'RunSucceeded' || type === 'RunFailed' || type === 'RunCancelled'),
      wakeupAt: null,
      events: events.map((event) => ({
        type: event.type,
        schema: EVENT_SCHEMA,
        data: JSON.stringify(event.data),
        metadata: JSON.stringify({ cause: { id: 'm1', type: 'test' } }),
        recordedAt: Date.now(),
      })),
    };
  }
}

export const definitionHash = `sha256:${'0'.repeat(64)}`;
const noCounts = { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 };

export function runStarted(runId: string, data: Partial<EventOf<'RunStarted'>['data']> = {}): RunEvent {
  return {
    type: 'RunStarted',
    data: {
      run_id: runId,
      workflow_id: 'quakes',
      workflow_version: 1,
      definition_hash: definitionHash,
      inputs: {},
      labels: {},
      request_hash: 'r',
      key: runId,
      trigger: { kind: 'manual', occurrence: null },
      origin: null,
      parent: null,
      started_by: null,
      ...data,
    },
  };
}

export function scheduled(execution: string, attempt = 1): RunEvent {
  return { type: 'ExecutionScheduled', data: { execution, attempt, site: 'local', pool: 'default' } };
}

export function succeeded(execution: string, data: Partial<EventOf<'ExecutionSucceeded'>['data']> = {}): RunEvent {
  return {
    type: 'ExecutionSucceeded',
    data: { execution, attempt: 1, outputs: {}, executor: 'e1', duration_ms: 100, ...data },
  };
}

export function failed(execution: string, data: Partial<EventOf<'ExecutionFailed'>['data']> = {}): RunEvent {
  const failure = { kind: 'crash', message: 'it broke' } as const;
  return {
    type: 'ExecutionFailed',
    data: { execution, attempt: 1, failure, will_retry: false, executor: 'e1', duration_ms: 50, ...data },
  };
}

export function cancelRequested(): RunEvent {
  return { type: 'RunCancelRequested', data: { reason: 'why not', force: false, cause: 'user', requested_by: null } };
}

export function runSucceeded(results: EventOf<'RunSucceeded'>['data']['results'] = {}): RunEvent {
  return { type: 'RunSucceeded', data: { results, counts: { ...noCounts, succeeded: 1 } } };
}

export function runFailed(): RunEvent {
  const failure = { kind: 'crash', message: 'it broke' } as const;
  return { type: 'RunFailed', data: { failure, execution: 'fit', counts: { ...noCounts, failed: 1 } } };
}

export function workflowDeployed(workflowId: string, version: number, hash = definitionHash): DomainEvent {
  return {
    type: 'WorkflowDeployed',
    data: {
      workflow_id: workflowId,
      workflow_version: version,
      definition_hash: hash,
      human_name: `Version ${version}`,
      deployed_by: null,
    },
  };
}
