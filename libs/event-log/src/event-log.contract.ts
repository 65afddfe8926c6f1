import { describeAppend } from './contract/append.contract';
import { describeDecisionsOnSeveralStreams } from './contract/several-streams.contract';
import { describeReading } from './contract/reading.contract';
import { describeReaders } from './contract/readers.contract';
import { describeMembers } from './contract/members.contract';
import { describeTimers } from './contract/timers.contract';
import { describeLocks } from './contract/locks.contract';
import type { ContractSubject } from './contract/subject';

/**
 * What every store behind the ports of `event-log.ts` must do. Call it in a spec, inside a `describe`, with a way to
 * the store under test; tests share one store and keep apart by their streams' names and partitions.
 */
export function describeEventLogContract(subject: () => ContractSubject): void {
  describeAppend(subject);
  describeDecisionsOnSeveralStreams(subject);
  describeReading(subject);
  describeTimers(subject);
  describeReaders(subject);
  describeMembers(subject);
  describeLocks(subject);
}
