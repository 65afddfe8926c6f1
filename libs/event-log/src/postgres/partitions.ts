import { DatabaseError } from 'pg';
import type { Connection, Database } from './database';
import type { Statement } from './sql';

export interface PartitionOptions {
  /** Positions that one partition covers: some gigabytes, so that there are tens of them and not thousands. */
  readonly eventsPerPartition?: number;
  /** Empty partitions kept in front of the writers. */
  readonly ahead?: number;
}

const defaults = { eventsPerPartition: 5_000_000, ahead: 2 };

/**
 * Makes the partitions of `events` that the next appends will need. Called at start, and then by the owner of the log
 * about every minute. If it is not called, or fails, appends go on into the default partition; the next call makes an
 * ordinary partition of that.
 */
export async function ensurePartitions(database: Database, options: PartitionOptions = {}): Promise<void> {
  const { eventsPerPartition, ahead } = { ...defaults, ...options };
  if (isEnough(await extent(database), eventsPerPartition * ahead)) return;
  for (let overtaken = 0; ; overtaken++) {
    try {
      return await makeRoom(database, eventsPerPartition, ahead);
    } catch (error) {
      if (!wasOvertaken(error) || overtaken === mostOvertaken) throw error;
    }
  }
}

/** An owner that is overtaken so often has too small partitions, and tries again in a minute. */
const mostOvertaken = 5;

/** Appends have gone on into the default partition meanwhile: looked at again, it is adopted. */
function wasOvertaken(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === checkViolation;
}

/** SQLSTATE of a partition that cannot be attached, as the default one holds some of its rows. */
const checkViolation = '23514';

async function makeRoom(database: Database, eventsPerPartition: number, ahead: number): Promise<void> {
  await database.transaction(async (connection) => {
    await connection.query(lockPartitions);
    await connection.query(ddl(`SET LOCAL lock_timeout = '1s'`));
    const { end, last, overflow } = await extent(connection);
    const start = overflow ? await adoptDefaultPartition(connection, end, eventsPerPartition) : end;
    for (let from = start; from <= last + eventsPerPartition * ahead; from += eventsPerPartition) {
      await addPartition(connection, from, from + eventsPerPartition);
    }
  });
}

interface Extent {
  /** The first position that no partition covers but the default one. */
  readonly end: number;
  /** The last position that was handed out. */
  readonly last: number;
  /** Whether events have gone to the default partition. */
  readonly overflow: boolean;
}

function isEnough({ end, last, overflow }: Extent, room: number): boolean {
  return !overflow && end > last + room;
}

async function extent(connection: Connection): Promise<Extent> {
  const [row] = await connection.query<{ end: string; last: string; overflow: boolean }>(readExtent);
  if (!row) throw new Error('Expected the extent of the partitions of events, found none');
  return { end: Number(row.end), last: Number(row.last), overflow: row.overflow };
}

/**
 * Created first and attached then: CREATE TABLE … PARTITION OF would lock everybody out of `events`. Attaching locks
 * the default partition alone, for a scan of nothing, and gives up after a second in the queue.
 */
async function addPartition(connection: Connection, from: number, to: number): Promise<void> {
  const table = `events_${from}`;
  await connection.query(ddl(`CREATE TABLE ${table} (LIKE events INCLUDING DEFAULTS)`));
  await connection.query(ddl(protect(table)));
  await connection.query(ddl(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER events_are_immutable`));
  await connection.query(ddl(`ALTER TABLE events ATTACH PARTITION ${table} FOR VALUES FROM (${from}) TO (${to})`));
}

/**
 * The default partition holds events: without moving any of them it becomes the ordinary partition of their range, and
 * an empty one takes its place. Locks out everybody for one scan of it; only an owner that was gone for long leads here.
 * @returns where the new partition ends
 */
async function adoptDefaultPartition(connection: Connection, from: number, step: number): Promise<number> {
  await connection.query(ddl(`SET LOCAL statement_timeout = ${scanTimeoutMs}`));
  await connection.query(ddl(`ALTER TABLE events DETACH PARTITION events_default`));
  const [row] = await connection.query<{ last: string }>(lastInDefault);
  const to = from + Math.ceil((Number(row?.last ?? from) + 1 - from) / step) * step;
  await connection.query(ddl(`ALTER TABLE events_default RENAME TO events_${from}`));
  await connection.query(
    ddl(`ALTER TABLE events ATTACH PARTITION events_${from} FOR VALUES FROM (${from}) TO (${to})`),
  );
  await connection.query(ddl(`CREATE TABLE events_default PARTITION OF events DEFAULT`));
  await connection.query(ddl(protect('events_default')));
  await connection.query(ddl(`ALTER TABLE events_default ENABLE ALWAYS TRIGGER events_are_immutable`));
  return to;
}

function protect(table: string): string {
  return `CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()`;
}

/** Some hundred million events: an interrupted scan would be begun again and again. */
const scanTimeoutMs = 600_000;

/** Not prepared: runs once. */
function ddl(text: string): Statement {
  return { name: '', text, answerWithinMs: scanTimeoutMs };
}

const lockPartitions: Statement = {
  name: 'lock-partitions',
  text: `SELECT pg_advisory_xact_lock(hashtextextended('ryax/partitions', 0))`,
};

const readExtent: Statement = {
  name: 'read-extent',
  text: `
    SELECT (SELECT coalesce(max(substring(pg_get_expr(part.relpartbound, part.oid) FROM 'TO \\(''(\\d+)''\\)')::bigint), 1)
              FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
             WHERE inhparent = 'events'::regclass) AS end,
           (SELECT last_value FROM events_position) AS last,
           EXISTS (SELECT FROM events_default) AS overflow`,
};

const lastInDefault: Statement = { name: '', text: `SELECT max(position) AS last FROM events_default` };
