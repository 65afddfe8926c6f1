import type { StoredEvent } from '../event-log';
import type { Tail, TailBlocker, TailPage, TailStall } from '../tail';
import type { Connection } from './database';
import type { EventRow } from './entities';
import { nowMs, type Statement } from './sql';
import { eventColumns, pageBytes, storedEvent } from './streams';

/** The tail's own transaction id, taken after it has seen a gap: whoever may still fill the gap has a smaller one. */
interface Fence {
  readonly id: bigint;
  /** The highest position seen before the fence was taken: gaps below it are settled together. */
  readonly upTo: number;
  readonly takenAt: number;
}

interface Facts {
  fence: Fence | undefined;
  /** No event at or below this position can appear any more. */
  settledUpTo: number;
}

/** One read, with the snapshot that it was made in. */
interface Look {
  readonly events: readonly StoredEvent[];
  /** Every transaction below has ended. */
  readonly oldestRunning: bigint;
  /** Every transaction from here on had not ended, or not begun. */
  readonly firstUnended: bigint;
}

/**
 * Positions are handed out before their transactions commit, so an event may appear below one that has been seen. At a
 * gap the tail takes a transaction id of its own and waits until no older transaction is running; what is missing
 * in a read made after that will never come (PROTOCOLS §3). One instance may serve several readers.
 */
export class PostgresTail implements Tail {
  private facts: Facts = { fence: undefined, settledUpTo: 0 };

  constructor(private readonly connection: Connection) {}

  async read(position: number, limit: number): Promise<TailPage> {
    const { page, seenUpTo } = await this.look(position, limit);
    if (!page.waiting || page.events.length > 0 || this.facts.fence) return page;
    await this.takeFence(seenUpTo);
    return (await this.look(position, limit)).page;
  }

  async stalled(): Promise<TailStall | undefined> {
    const { fence } = this.facts;
    if (!fence) return undefined;
    const rows = await this.connection.query<BlockerRow>(selectBlockers, [fence.id.toString()]);
    return { since: fence.takenAt, blockers: rows.map(blocker) };
  }

  /** Forgets what was learnt of a history that another has replaced (see DatabaseIdentityWatch). */
  reset(): void {
    this.facts = { fence: undefined, settledUpTo: 0 };
  }

  /** A read answers only by facts that were known before it began: it may have been made in an older snapshot. */
  private async look(position: number, limit: number): Promise<{ page: TailPage; seenUpTo: number }> {
    const { facts } = this;
    const { fence, settledUpTo: settledBefore } = facts;
    const look = await this.select(position, limit);
    const isPassed = fence !== undefined && look.oldestRunning > fence.id;
    const settledUpTo = isPassed ? Math.max(settledBefore, fence.upTo) : settledBefore;
    facts.settledUpTo = Math.max(facts.settledUpTo, settledUpTo);
    const isOver = isPassed || (fence && isForgotten(fence, look));
    if (isOver && facts.fence === fence) facts.fence = undefined;
    const page = { ...upToGap(position, look.events, settledUpTo), full: isFull(look.events, limit) };
    return { page, seenUpTo: look.events.at(-1)?.position ?? position };
  }

  private async takeFence(upTo: number): Promise<void> {
    const { facts } = this;
    const [row] = await this.connection.query<{ id: string; taken_at: string }>(selectFence);
    if (row) facts.fence ??= { id: BigInt(row.id), upTo, takenAt: Number(row.taken_at) };
  }

  private async select(position: number, limit: number): Promise<Look> {
    const rows = await this.connection.query<LookRow>(selectLook, [position, limit, pageBytes]);
    const [first] = rows;
    if (!first) throw new Error('Expected a snapshot with every read of the tail, found none');
    return {
      events: rows.filter(hasEvent).map(storedEvent),
      oldestRunning: BigInt(first.oldest_running),
      firstUnended: BigInt(first.first_unended),
    };
  }
}

/** After a crash the database may not know of an id that it gave: nothing durable depended on it. */
function isForgotten(fence: Fence, look: Look): boolean {
  return look.firstUnended <= fence.id;
}

function isFull(events: readonly StoredEvent[], limit: number): boolean {
  if (events.length >= limit) return true;
  let bytes = 0;
  for (const { data } of events) bytes += data.length;
  // In characters, of which there are at most as many as bytes: one page too many may be taken for the last.
  return bytes >= pageBytes;
}

/** The events before the first gap that may still be filled. */
function upToGap(position: number, events: readonly StoredEvent[], settledUpTo: number): Omit<TailPage, 'full'> {
  let last = position;
  for (const [index, event] of events.entries()) {
    const isGap = event.position > last + 1 && event.position - 1 > settledUpTo;
    if (isGap) return { events: events.slice(0, index), position: last, waiting: true };
    last = event.position;
  }
  return { events, position: last, waiting: false };
}

type LookRow = { readonly oldest_running: string; readonly first_unended: string } & (
  EventRow | { readonly [column in keyof EventRow]: null }
);

function hasEvent(row: LookRow): row is LookRow & EventRow {
  return row.position !== null;
}

/** Events and snapshot in one statement, hence of one moment. */
const selectLook: Statement = {
  name: 'select-tail',
  text: `
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest_running,
           pg_snapshot_xmax(pg_current_snapshot())::text AS first_unended,
           ${eventColumns}
      FROM (SELECT) AS always
      LEFT JOIN (SELECT ${eventColumns}, sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data) AS bytes_before
                   FROM events
                  WHERE position > $1
                  ORDER BY position
                  LIMIT $2) AS page ON bytes_before < $3
     ORDER BY position`,
};

const selectFence: Statement = {
  name: 'select-fence',
  text: `SELECT pg_current_xact_id()::text AS id, ${nowMs} AS taken_at`,
};

interface BlockerRow {
  readonly pid: number | null;
  readonly gid: string | null;
  readonly database: string;
  readonly application: string | null;
  readonly started_at: string;
}

function blocker({ pid, gid, database, application, started_at }: BlockerRow): TailBlocker {
  const startedAt = Number(started_at);
  return pid === null
    ? { type: 'prepared', gid: gid ?? '', database, startedAt }
    : { type: 'backend', pid, database, application: application ?? '', startedAt };
}

const selectBlockers: Statement = {
  name: 'select-tail-blockers',
  text: `
    SELECT pid, NULL AS gid, coalesce(datname, '') AS database, application_name AS application,
           floor(extract(epoch FROM coalesce(xact_start, backend_start)) * 1000)::bigint AS started_at
      FROM pg_stat_activity
     WHERE age(backend_xid) > age($1::xid8::xid)
     UNION ALL
    SELECT NULL, gid, database, NULL, floor(extract(epoch FROM prepared) * 1000)::bigint
      FROM pg_prepared_xacts
     WHERE age(transaction) > age($1::xid8::xid)
     ORDER BY started_at`,
};
