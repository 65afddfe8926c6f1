import type { EventLog } from '@ryax/event-log';
import type { StreamDecision } from './decider';
import type { WorkItem } from './work-item';

/**
 * The starts, among decisions that were not appended, of runs that do not exist and pin what their workflow has left behind.
 * Deciding them again would end the same way: whoever sent them has to look at the workflow again. A run that does exist
 * has another reason to conflict, and its repeat gets the answer of the first start, whatever has become of the workflow.
 */
export async function staleStarts(
  log: Pick<EventLog, 'headVersions'>,
  conflicted: readonly StreamDecision[],
): Promise<ReadonlySet<WorkItem>> {
  const asked = conflicted.flatMap(({ stream, given }) =>
    given === undefined ? [] : [stream.streamId, given.streamId],
  );
  if (asked.length === 0) return new Set();
  const heads = await log.headVersions([...new Set(asked)]);
  const stale = conflicted.filter(
    ({ stream, given }) =>
      given !== undefined && !heads.has(stream.streamId) && heads.get(given.streamId) !== given.version,
  );
  return new Set(
    stale.flatMap(({ items }) => items.map(({ item }) => item).filter(({ given }) => given !== undefined)),
  );
}
