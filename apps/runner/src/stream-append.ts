import type { InvalidAppendError, StreamAppend } from '@ryax/event-log';
import type { StreamDecision } from './decider';
import type { AnyStream } from './stream-store';
import type { WorkItem } from './work-item';

/**
 * Data of events appended by one statement: a batch of small ones never comes near it, and 500 of the largest would be 128 MiB
 * in the memory of both sides at once.
 */
const mostBytes = 8 * 1024 * 1024;

/** Cuts a batch of decisions, in order, into such as are appended together. A decision is never cut: a large one is alone. */
export function boundedBatches<D extends Pick<StreamDecision, 'events'>>(decisions: readonly D[]): D[][] {
  const batches: D[][] = [];
  let bytes = Infinity;
  for (const decision of decisions) {
    const more = decision.events.reduce((sum, { stored }) => sum + Buffer.byteLength(stored.data), 0);
    bytes += more;
    if (bytes > mostBytes) {
      batches.push([]);
      bytes = more;
    }
    batches.at(-1)?.push(decision);
  }
  return batches;
}

/** What the log is to append for a decision. */
export function appendOf(decision: StreamDecision): StreamAppend {
  const { stream } = decision;
  return {
    streamId: stream.streamId,
    project: stream.name.project,
    kind: stream.kind,
    partition: stream.partition,
    expectedVersion: decision.baseVersion,
    expectedHash: decision.baseHash,
    given: decision.given,
    events: decision.events.map(({ stored }) => stored),
    open: stream.aggregate.isOpen,
    wakeupAt: wakeupOf(stream),
  };
}

/** Timers are whole milliseconds in the log, and never later than wanted. */
export function wakeupOf({ aggregate }: AnyStream): number | null {
  return aggregate.nextWakeup === null ? null : Math.floor(aggregate.nextWakeup);
}

/** An attempt whose outcome no event can hold must end all the same, or its executor would repeat it for ever. */
export function storable(item: WorkItem, error: InvalidAppendError): WorkItem | undefined {
  const { work } = item;
  if (work.kind !== 'run' || work.message.type !== 'ended' || work.message.outcome.status === 'failed')
    return undefined;
  const outcome = { status: 'failed', failure: { kind: 'invalid', message: error.message } } as const;
  return { ...item, work: { kind: 'run', message: { ...work.message, outcome } } };
}
