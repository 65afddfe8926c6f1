import type { HeadCursor, HeadPage, StreamHead, WakeupMove } from '../event-log';
import type { Connection } from './database';
import type { StreamHeadRow } from './entities';
import { nowMs, type Statement } from './sql';

type HeadRow = Omit<StreamHeadRow, 'base' | 'base_hash'>;

const headColumns = 'stream_id, project, kind, partition, version, hash, open, wakeup_at';

function streamHead(row: HeadRow): StreamHead {
  return {
    streamId: row.stream_id,
    project: row.project,
    kind: row.kind,
    partition: row.partition,
    version: row.version,
    hash: row.hash.toString('hex'),
    open: row.open,
    wakeupAt: row.wakeup_at === null ? null : Number(row.wakeup_at),
  };
}

export async function readVersions(
  connection: Connection,
  streamIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.query<Pick<StreamHeadRow, 'stream_id' | 'version'>>(selectVersions, [streamIds]);
  return new Map(rows.map((row) => [row.stream_id, row.version]));
}

export async function readHashes(
  connection: Connection,
  streamIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await connection.query<Pick<StreamHeadRow, 'stream_id' | 'hash'>>(selectHashes, [streamIds]);
  return new Map(rows.map((row) => [row.stream_id, row.hash.toString('hex')]));
}

export async function readHead(connection: Connection, streamId: string): Promise<StreamHead | undefined> {
  const [row] = await connection.query<HeadRow>(selectHead, [streamId]);
  return row && streamHead(row);
}

/**
 * First those that are due, then all of them: a head that becomes due between two pages must not fall between the two
 * passes, so that the second leaves out nothing and repeats what the first has shown.
 */
export async function readOpenHeads(
  connection: Connection,
  partitions: readonly number[],
  after: HeadCursor,
  limit: number,
): Promise<HeadPage> {
  const statement = after.pass === 'due' ? selectDueAfter : selectOpenAfter;
  const rows = await connection.query<HeadRow>(statement, [partitions, after.partition, after.streamId, limit]);
  const last = rows.length < limit ? undefined : rows.at(-1);
  const next = last && { pass: after.pass, partition: last.partition, streamId: last.stream_id };
  return { heads: rows.map(streamHead), next: next ?? (after.pass === 'due' ? beforeFirst('all') : undefined) };
}

export function beforeFirst(pass: HeadCursor['pass']): HeadCursor {
  return { pass, partition: -1, streamId: '' };
}

export async function readDueHeads(
  connection: Connection,
  partitions: readonly number[],
  limit: number,
): Promise<StreamHead[]> {
  return (await connection.query<HeadRow>(selectDue, [partitions, limit])).map(streamHead);
}

export async function readNextWakeup(
  connection: Connection,
  partitions: readonly number[],
): Promise<number | undefined> {
  const [row] = await connection.query<Pick<StreamHeadRow, 'wakeup_at'>>(selectNextWakeup, [partitions]);
  return row && row.wakeup_at !== null ? Number(row.wakeup_at) : undefined;
}

export async function countOpenHeads(connection: Connection, project: string): Promise<number> {
  const [row] = await connection.query<{ count: number }>(selectOpenCount, [project]);
  return row?.count ?? 0;
}

export async function moveWakeups(connection: Connection, moves: readonly WakeupMove[]): Promise<void> {
  await connection.query(updateWakeups, [
    moves.map((move) => move.streamId),
    moves.map((move) => move.seenVersion),
    moves.map((move) => move.wakeupAt),
  ]);
}

const selectVersions: Statement = {
  name: 'select-head-versions',
  text: `SELECT stream_id, version FROM stream_heads WHERE stream_id = ANY ($1::text[])`,
};

const selectHashes: Statement = {
  name: 'select-head-hashes',
  text: `SELECT stream_id, hash FROM stream_heads WHERE stream_id = ANY ($1::text[])`,
};

const selectHead: Statement = {
  name: 'select-head',
  text: `SELECT ${headColumns} FROM stream_heads WHERE stream_id = $1`,
};

const selectDueAfter: Statement = {
  name: 'select-due-heads-after',
  text: `
    SELECT ${headColumns}
      FROM stream_heads
     WHERE open AND partition = ANY ($1::integer[]) AND wakeup_at <= ${nowMs}
       AND (partition, stream_id) > ($2::integer, $3::text)
     ORDER BY partition, stream_id
     LIMIT $4`,
};

const selectOpenAfter: Statement = {
  name: 'select-open-heads-after',
  text: `
    SELECT ${headColumns}
      FROM stream_heads
     WHERE open AND partition = ANY ($1::integer[]) AND (partition, stream_id) > ($2::integer, $3::text)
     ORDER BY partition, stream_id
     LIMIT $4`,
};

/** One short index scan a partition, however many timers are due. */
const selectDue: Statement = {
  name: 'select-due-heads',
  text: `
    SELECT ${headColumns}
      FROM unnest($1::integer[]) AS owned (partition_number),
           LATERAL (SELECT ${headColumns}
                      FROM stream_heads
                     WHERE open AND partition = owned.partition_number AND wakeup_at <= ${nowMs}
                     ORDER BY wakeup_at
                     LIMIT $2) AS due
     ORDER BY wakeup_at, stream_id
     LIMIT $2`,
};

const selectNextWakeup: Statement = {
  name: 'select-next-wakeup',
  text: `
    SELECT min(first.wakeup_at) AS wakeup_at
      FROM unnest($1::integer[]) AS owned (partition_number),
           LATERAL (SELECT wakeup_at
                      FROM stream_heads
                     WHERE open AND partition = owned.partition_number AND wakeup_at IS NOT NULL
                     ORDER BY wakeup_at
                     LIMIT 1) AS first`,
};

const selectOpenCount: Statement = {
  name: 'select-open-count',
  text: `SELECT count(*)::integer AS count FROM stream_heads WHERE open AND project = $1`,
};

/** Locks in the order in which appends lock, or the two deadlock. */
const updateWakeups: Statement = {
  name: 'update-wakeups',
  text: `
    WITH locked AS (
      SELECT head.stream_id, move.wakeup_at
        FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS move (stream_id, version, wakeup_at)
        JOIN stream_heads head ON head.stream_id = move.stream_id AND head.version = move.version
       ORDER BY head.stream_id
         FOR NO KEY UPDATE OF head
    )
    UPDATE stream_heads head
       SET wakeup_at = locked.wakeup_at
      FROM locked
     WHERE head.stream_id = locked.stream_id`,
};
