import { randomUUID } from 'node:crypto';
import type { AppendedHead, AppendOutcome, Decision, EventLog, NewEvent, StreamAppend } from '../event-log';
import type { Locks } from '../locks';
import type { Members } from '../members';
import type { Readers, Tail } from '../tail';

/** One store, through its ports. */
export interface ContractSubject {
  readonly log: EventLog;
  readonly tail: Tail;
  readonly members: Members;
  readonly readers: Readers;
  readonly locks: Locks;
}

/** A stream, or any other name, that no other test uses. */
export function freshName(prefix = 'run:default:'): string {
  return `${prefix}${randomUUID()}`;
}

let lastPartition = 1_000;
/** A partition that no other test uses. */
export function freshPartition(): number {
  return (lastPartition += 1);
}

export function event(over: Partial<NewEvent> = {}): NewEvent {
  return { type: 'ThingHappened', schema: 1, data: '{}', metadata: '{}', recordedAt: 1_700_000_000_000, ...over };
}

export function events(count: number): NewEvent[] {
  return Array.from({ length: count }, (_, index) => event({ data: JSON.stringify({ index }) }));
}

/** The next events of a stream whose head is known; of a new stream without one. */
export function appendTo(
  streamId: string,
  head: Pick<AppendedHead, 'version' | 'hash'> | undefined,
  over: Partial<StreamAppend> = {},
): StreamAppend {
  return {
    streamId,
    project: 'default',
    kind: 'run',
    partition: 0,
    expectedVersion: head?.version ?? 0,
    expectedHash: head?.hash ?? null,
    events: [event()],
    open: true,
    wakeupAt: null,
    ...over,
  };
}

export function decision(...streams: StreamAppend[]): Decision {
  return { streams };
}

/** Appends one decision that must not conflict; answers the head of its first stream. */
export async function appended(log: EventLog, ...streams: StreamAppend[]): Promise<AppendedHead> {
  const [outcome] = await log.append([decision(...streams)]);
  return headOf(outcome);
}

export function headOf(outcome: AppendOutcome | undefined): AppendedHead {
  if (outcome?.status !== 'appended') throw new Error(`Expected an append, found ${JSON.stringify(outcome)}`);
  const [head] = outcome.heads;
  if (!head) throw new Error('Expected a head, found none');
  return head;
}
