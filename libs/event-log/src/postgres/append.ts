import { booleanArray, bytea, byteaArray, integerArray, joinedJson, jsonTexts, textArray } from './array-text';
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
  const [only, ...others] = streams;
  const [statement, values] =
    only !== undefined && others.length === 0
      ? [appendOne, [...headValues(only), ...eventArrays(streams)]]
      : [appendMany, [...headArrays(streams), ...eventArrays(streams), streamIdsOfEvents(streams)]];
  const rows = await connection.query<Pick<EventRow, 'stream_id' | 'position'>>(statement, values);
  return new Map(rows.map((row) => [row.stream_id, Number(row.position)]));
}

function headValues(stream: PreparedStream): readonly unknown[] {
  const { streamId, project, kind, partition, version, hash, expectedVersion, expectedHash, open, wakeupAt } = stream;
  const { given } = stream;
  return [
    streamId,
    project,
    kind,
    partition,
    version,
    bytea(hash),
    expectedVersion,
    bytea(expectedHash ?? ''),
    open,
    wakeupAt,
    given?.streamId ?? '',
    given?.version ?? 0,
  ];
}

function headArrays(streams: readonly PreparedStream[]): readonly string[] {
  return [
    textArray(streams.map((stream) => stream.streamId)),
    textArray(streams.map((stream) => stream.project)),
    textArray(streams.map((stream) => stream.kind)),
    integerArray(streams.map((stream) => stream.partition)),
    integerArray(streams.map((stream) => stream.version)),
    byteaArray(streams.map((stream) => stream.hash)),
    integerArray(streams.map((stream) => stream.expectedVersion)),
    byteaArray(streams.map((stream) => stream.expectedHash ?? '')),
    booleanArray(streams.map((stream) => stream.open)),
    integerArray(streams.map((stream) => stream.wakeupAt)),
    textArray(streams.map(({ given }) => given?.streamId ?? '')),
    integerArray(streams.map(({ given }) => given?.version ?? 0)),
  ];
}

function eventArrays(streams: readonly PreparedStream[]): readonly string[] {
  const versions: number[] = [];
  const types: string[] = [];
  const schemas: number[] = [];
  const data: string[] = [];
  const metadata: string[] = [];
  const recordedAt: number[] = [];
  const hashes: string[] = [];
  for (const stream of streams) {
    let version = stream.expectedVersion;
    for (const event of stream.events) {
      versions.push(++version);
      types.push(event.type);
      schemas.push(event.schema);
      data.push(event.data);
      metadata.push(event.metadata);
      recordedAt.push(event.recordedAt);
    }
    hashes.push(...stream.hashes);
  }
  return [
    integerArray(versions),
    textArray(types),
    integerArray(schemas),
    joinedJson(data),
    joinedJson(metadata),
    integerArray(recordedAt),
    byteaArray(hashes),
  ];
}

function streamIdsOfEvents(streams: readonly PreparedStream[]): string {
  return textArray(streams.flatMap(({ streamId, events }) => events.map(() => streamId)));
}

/**
 * Whether a head is there is asked by a scalar sub-select, one index lookup for each stream: an EXISTS in its place may be
 * planned as a hash of all heads that there are, made again for every append.
 *
 * A stored wakeup is a lower bound: it is lowered for an earlier timer, and replaced once it is due; otherwise it
 * stays, because a change of this indexed column costs the update its heap-only shortcut.
 */
function append(name: string, expected: string, eventsOfMoved: string): Statement {
  return {
    name,
    text: `
    WITH expected AS (
      ${expected}
    ), moved AS (
      INSERT INTO stream_heads AS head
             (stream_id, project, kind, partition, version, hash, base, base_hash, open, wakeup_at)
      SELECT stream_id, project, kind, partition, version, hash, base, base_hash, open, wakeup_at
        FROM expected
       WHERE (base = 0 OR (SELECT true FROM stream_heads known WHERE known.stream_id = expected.stream_id))
         AND (given_version = 0
              OR (SELECT given.version FROM stream_heads given WHERE given.stream_id = given_stream) = given_version)
       ORDER BY stream_id COLLATE "C"
      ON CONFLICT (stream_id) DO UPDATE
         SET version = excluded.version, hash = excluded.hash, base = excluded.base, base_hash = excluded.base_hash,
             open = excluded.open,
             wakeup_at = CASE WHEN head.wakeup_at <= ${nowMs} THEN excluded.wakeup_at
                              ELSE least(head.wakeup_at, excluded.wakeup_at) END
       WHERE head.version = excluded.base AND head.hash = excluded.base_hash
      RETURNING stream_id, project
    ), appended AS (
      INSERT INTO events (stream_id, version, project, type, schema, data, metadata, recorded_at, hash)
      SELECT moved.stream_id, event.version, moved.project, event.type, event.schema, event.data, event.metadata,
             event.recorded_at, event.hash
        FROM ${eventsOfMoved}
       ORDER BY event.ordinality
      RETURNING stream_id, position
    )
    SELECT stream_id, max(position) AS position FROM appended GROUP BY stream_id`,
  };
}

const eventArguments = `$13::integer[], $14::text[], $15::integer[], ${jsonTexts('$16')}, ${jsonTexts('$17')}, $18::bigint[],
                    $19::bytea[]`;
const eventNames = 'version, type, schema, data, metadata, recorded_at, hash';

const appendMany = append(
  'append',
  `SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::bytea[], $7::integer[],
                        $8::bytea[], $9::boolean[], $10::bigint[], $11::text[], $12::integer[])
         AS input (stream_id, project, kind, partition, version, hash, base, base_hash, open, wakeup_at,
                   given_stream, given_version)`,
  `unnest(${eventArguments}, $20::text[]) WITH ORDINALITY AS event (${eventNames}, stream_id, ordinality)
        JOIN moved USING (stream_id)`,
);

/** What an engine that is not busy does, one step after the other: without arrays of heads and a join it takes a fifth less time. */
const appendOne = append(
  'append-one',
  `SELECT $1::text AS stream_id, $2::text AS project, $3::text AS kind, $4::integer AS partition, $5::integer AS version,
             $6::bytea AS hash, $7::integer AS base, $8::bytea AS base_hash, $9::boolean AS open, $10::bigint AS wakeup_at,
             $11::text AS given_stream, $12::integer AS given_version`,
  `moved CROSS JOIN unnest(${eventArguments}) WITH ORDINALITY AS event (${eventNames}, ordinality)`,
);
