import type { LogChunk } from '@ryax/contracts';
import type { Connection } from '@ryax/event-log';
import { columnsOf } from '../projections/columns';
import type { LogChunkEntity } from './log-chunk.entity';

/** One attempt's log. */
export interface LogKey {
  readonly project: string;
  readonly runId: string;
  readonly execution: string;
  readonly attempt: number;
}

/** A stored piece of an attempt's log. */
export interface StoredChunk {
  readonly offset: number;
  /** As the executor counted them; more or less than `content` has where it replaced bytes that were no UTF-8. */
  readonly bytes: number;
  readonly content: Buffer;
  readonly isEnd: boolean;
  /** Stored so long ago that an earlier chunk which is not there will not come any more. */
  readonly isSettled: boolean;
}

/**
 * Stores chunks, in one statement; of two that begin at one place the longer one is kept. Whoever goes on with an attempt whose executor is
 * gone sends its log again, from its beginning and cut elsewhere: so chunks may overlap.
 */
export async function storeChunks(connection: Connection, chunks: readonly LogChunk[]): Promise<void> {
  const columns = columnsOf(chunks, (chunk) => [
    chunk.project,
    chunk.run_id,
    chunk.execution,
    chunk.attempt,
    chunk.offset,
    chunk.bytes,
    Buffer.from(chunk.text),
    chunk.end,
  ]);
  await connection.query(insertChunks, columns);
}

const insertChunks = {
  name: 'logs.insert',
  text: `
    INSERT INTO log_chunks (project, run_id, execution, attempt, byte_offset, bytes, content, is_end)
    SELECT DISTINCT ON (project, run_id, execution, attempt, byte_offset) *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::int[], $7::bytea[], $8::bool[])
      AS chunk (project, run_id, execution, attempt, byte_offset, bytes, content, is_end)
    ORDER BY project, run_id, execution, attempt, byte_offset, bytes DESC, is_end DESC
    ON CONFLICT (project, run_id, execution, attempt, byte_offset) DO UPDATE
    SET bytes = excluded.bytes, content = excluded.content, is_end = excluded.is_end
    WHERE (excluded.bytes, excluded.is_end) > (log_chunks.bytes, log_chunks.is_end)`,
};

/** Chunks from the one that holds the byte at `offset`, in order, of about `limitBytes` together. */
export async function readChunks(
  connection: Connection,
  key: LogKey,
  offset: number,
  limitBytes: number,
): Promise<StoredChunk[]> {
  const values = [key.project, key.runId, key.execution, key.attempt, offset, limitBytes];
  const rows = await connection.query<ChunkRow>(selectChunks, values);
  return rows.map(({ byte_offset, bytes, content, is_end, is_settled }) => ({
    offset: Number(byte_offset),
    bytes,
    content,
    isEnd: is_end,
    isSettled: is_settled,
  }));
}

type ChunkRow = Pick<LogChunkEntity, 'byte_offset' | 'bytes' | 'content' | 'is_end'> & { readonly is_settled: boolean };

/** No chunk is longer: executors cut at half of it. */
const longestChunk = 64 * 1024;

/** The first is one that holds the offset, else the last one before it; at most a thousand, should they be tiny. */
const selectChunks = {
  name: 'logs.read',
  text: `
    SELECT byte_offset, bytes, content, is_end, stored_at < now() - interval '10 s' AS is_settled
    FROM (
      SELECT *, sum(bytes) OVER (ORDER BY byte_offset) - bytes AS bytes_before,
        greatest($5 - first_value(byte_offset) OVER (ORDER BY byte_offset), 0) AS bytes_skipped
      FROM log_chunks
      WHERE project = $1 AND run_id = $2 AND execution = $3 AND attempt = $4
        AND byte_offset >= coalesce((
          SELECT min(byte_offset) FROM log_chunks
          WHERE project = $1 AND run_id = $2 AND execution = $3 AND attempt = $4
            AND byte_offset BETWEEN $5 - ${longestChunk} AND $5 AND byte_offset + bytes + is_end::int > $5), (
          SELECT max(byte_offset) FROM log_chunks
          WHERE project = $1 AND run_id = $2 AND execution = $3 AND attempt = $4 AND byte_offset <= $5), 0)
      ORDER BY byte_offset
      LIMIT 1000
    ) AS page
    WHERE bytes_before - bytes_skipped <= $6
    ORDER BY byte_offset`,
};

/** The newest attempt of an execution that has said anything; null when none has. */
export async function newestAttempt(
  connection: Connection,
  { project, runId, execution }: Omit<LogKey, 'attempt'>,
): Promise<number | null> {
  const [row] = await connection.query<{ attempt: number | null }>(selectAttempt, [project, runId, execution]);
  return row?.attempt ?? null;
}

const selectAttempt = {
  name: 'logs.attempt',
  text: `SELECT max(attempt) AS attempt FROM log_chunks WHERE project = $1 AND run_id = $2 AND execution = $3`,
};

/** How far each of these logs goes; those of which nothing is stored are absent. */
export async function readLogEnds(
  connection: Connection,
  keys: readonly LogKey[],
): Promise<ReadonlyMap<string, number>> {
  const columns = columnsOf(keys, (key) => [key.project, key.runId, key.execution, key.attempt]);
  const rows = await connection.query<LogEndRow>(selectEnds, columns);
  return new Map(
    rows.map(({ project, run_id: runId, execution, attempt, length }) => [
      logName({ project, runId, execution, attempt }),
      Number(length),
    ]),
  );
}

type LogEndRow = Pick<LogChunkEntity, 'project' | 'run_id' | 'execution' | 'attempt'> & { readonly length: string };

/** Counts one more than its bytes for a log that is closed, so that its end alone is a change, too. */
const selectEnds = {
  name: 'logs.ends',
  text: `
    SELECT k.*, last.length
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS k (project, run_id, execution, attempt),
    LATERAL (
      SELECT max(c.byte_offset + c.bytes + c.is_end::int) AS length FROM log_chunks c
      WHERE (c.project, c.run_id, c.execution, c.attempt) = (k.project, k.run_id, k.execution, k.attempt)
        AND c.byte_offset >= (
          SELECT max(m.byte_offset) FROM log_chunks m
          WHERE (m.project, m.run_id, m.execution, m.attempt) = (k.project, k.run_id, k.execution, k.attempt)
        ) - ${longestChunk}
    ) AS last
    WHERE last.length IS NOT NULL`,
};

/** One text for an attempt's log, as a key in memory. */
export function logName({ project, runId, execution, attempt }: LogKey): string {
  return `${project}:${runId}:${execution}:${attempt}`;
}
