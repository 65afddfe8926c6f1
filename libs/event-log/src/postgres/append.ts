import type { Connection } from './database';
import type { EventRow } from './entities';
import type { PreparedStream } from './prepare-append';
import { nowMs, type Statement } from './sql';

/** Last position by stream, of those streams whose head was where the caller expected it. */
export type AppendedPositions = ReadonlyMap<string, number>;

/**
 * Appends to every stream that is still at its expected version, in one statement. What must not be changed about it
 * (PROTOCOLS §2, docs/adr/0101-event-log.md):
 * - heads are moved before events are inserted, so that a transaction id is held before the first `nextval`;
 * - heads are moved in order of stream id, or two batches deadlock;
 * - events are inserted only for heads that moved, or two histories are spliced into one;
 * - what was expected travels in `base` and `base_hash`, as ON CONFLICT sees nothing but `excluded`.
 */
export async function appendStreams(
  connection: Connection,
  streams: readonly PreparedStream[],
): Promise<AppendedPositions> {
  const rows = await connection.query<Pick<EventRow, 'stream_id' | 'position'>>(append, columns(streams));
  return new Map(rows.map((row) => [row.stream_id, Number(row.position)]));
}

function columns(streams: readonly PreparedStream[]): unknown[] {
  const events = streams.flatMap((stream) =>
    stream.events.map((event, index) => ({ ...event, stream, version: stream.expectedVersion + index + 1, index })),
  );
  return [
    streams.map((stream) => stream.streamId),
    streams.map((stream) => stream.project),
    streams.map((stream) => stream.kind),
    streams.map((stream) => stream.partition),
    streams.map((stream) => stream.version),
    streams.map((stream) => bytes(stream.hash)),
    streams.map((stream) => stream.expectedVersion),
    streams.map((stream) => bytes(stream.expectedHash ?? '')),
    streams.map((stream) => stream.open),
    streams.map((stream) => stream.wakeupAt),
    events.map((event) => event.stream.streamId),
    events.map((event) => event.version),
    events.map((event) => event.stream.project),
    events.map((event) => event.type),
    events.map((event) => event.schema),
    events.map((event) => event.data),
    events.map((event) => event.metadata),
    events.map((event) => event.recordedAt),
    events.map((event) => bytes(event.stream.hashes[event.index] ?? '')),
  ];
}

function bytes(hexadecimal: string): Buffer {
  return Buffer.from(hexadecimal, 'hex');
}

/**
 * A stored wakeup is a lower bound: it is lowered for an earlier timer, and replaced once it is due; otherwise it
 * stays, because a change of this indexed column costs the update its heap-only shortcut.
 */
const append: Statement = {
  name: 'append',
  text: `
    WITH expected AS (
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::bytea[],
                           $7::integer[], $8::bytea[], $9::boolean[], $10::bigint[])
        AS input (stream_id, project, kind, partition, version, hash, base, base_hash, open, wakeup_at)
    ), moved AS (
      INSERT INTO stream_heads AS head
             (stream_id, project, kind, partition, version, hash, base, base_hash, open, wakeup_at)
      SELECT stream_id, project, kind, partition, version, hash, base, base_hash, open, wakeup_at
        FROM expected
       WHERE base = 0 OR EXISTS (SELECT FROM stream_heads known WHERE known.stream_id = expected.stream_id)
       ORDER BY stream_id COLLATE "C"
      ON CONFLICT (stream_id) DO UPDATE
         SET version = excluded.version, hash = excluded.hash, base = excluded.base, base_hash = excluded.base_hash,
             open = excluded.open,
             wakeup_at = CASE WHEN head.wakeup_at <= ${nowMs} THEN excluded.wakeup_at
                              ELSE least(head.wakeup_at, excluded.wakeup_at) END
       WHERE head.version = excluded.base AND head.hash = excluded.base_hash
      RETURNING stream_id
    ), appended AS (
      INSERT INTO events (stream_id, version, project, type, schema, data, metadata, recorded_at, hash)
      SELECT event.stream_id, event.version, event.project, event.type, event.schema, event.data, event.metadata,
             event.recorded_at, event.hash
        FROM unnest($11::text[], $12::integer[], $13::text[], $14::text[], $15::integer[], $16::text[], $17::text[],
                    $18::bigint[], $19::bytea[]) WITH ORDINALITY
          AS event (stream_id, version, project, type, schema, data, metadata, recorded_at, hash, ordinality)
        JOIN moved USING (stream_id)
       ORDER BY event.ordinality
      RETURNING stream_id, position
    )
    SELECT stream_id, max(position) AS position FROM appended GROUP BY stream_id`,
};
