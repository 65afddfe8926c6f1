import type { StoredEvent, StreamsRange } from '../event-log';
import type { Connection } from './database';
import type { EventRow } from './entities';
import type { Statement } from './sql';

export const eventColumns = 'position, stream_id, version, project, type, schema, data, metadata, recorded_at, hash';

/** A page of events ends here, whatever its limit, once it holds one event: many large ones must fit in memory. */
export const pageBytes = 8 * 1024 * 1024;

export function storedEvent(row: EventRow): StoredEvent {
  return {
    position: Number(row.position),
    streamId: row.stream_id,
    version: row.version,
    project: row.project,
    type: row.type,
    schema: row.schema,
    data: row.data,
    metadata: row.metadata,
    recordedAt: Number(row.recorded_at),
    hash: row.hash.toString('hex'),
  };
}

export async function readRange(
  connection: Connection,
  streamId: string,
  range: { readonly from: number; readonly to: number; readonly limit: number },
): Promise<StoredEvent[]> {
  const values = [streamId, range.from, range.to, range.limit, pageBytes];
  return (await connection.query<EventRow>(selectRange, values)).map(storedEvent);
}

/** Many streams in one answer are short ones: more than a few hundred events are better read in pages of their own. */
const eventsEach = 200;
/** Keeps what the database sorts for an answer within some megabytes, whatever is asked for. */
const eventsInAll = 10_000;

/** Only what came whole: as many events as the head of the same snapshot counts. */
export async function readWhole(
  connection: Connection,
  streamIds: readonly string[],
  range: StreamsRange,
): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
  const values = [streamIds, range.eventsEach ?? eventsEach, range.events ?? eventsInAll, range.bytes ?? pageBytes];
  const rows = await connection.query<WholeRow>(selectWhole, values);
  const found = new Map<string, { readonly head: number; readonly events: StoredEvent[] }>();
  for (const row of rows) {
    const stream = found.get(row.asked) ?? { head: row.head_version, events: [] };
    found.set(row.asked, stream);
    if (isPresent(row)) stream.events.push(storedEvent(row));
  }
  const whole = new Map<string, readonly StoredEvent[]>();
  for (const [streamId, { head, events }] of found) if (events.length === head) whole.set(streamId, events);
  return whole;
}

/** A stream of no events is one row without an event. */
type WholeRow = { readonly asked: string; readonly head_version: number } & (EventRow | { readonly position: null });

function isPresent(row: WholeRow): row is WholeRow & EventRow {
  return row.position !== null;
}

export async function readExactVersions(
  connection: Connection,
  streamId: string,
  versions: readonly number[],
): Promise<StoredEvent[]> {
  return (await connection.query<EventRow>(selectVersions, [streamId, versions])).map(storedEvent);
}

export async function readLastPosition(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ position: string }>(selectLastPosition);
  return Number(row?.position ?? 0);
}

const selectRange: Statement = {
  name: 'select-range',
  text: `
    SELECT ${eventColumns}
      FROM (SELECT ${eventColumns}, sum(octet_length(data)) OVER (ORDER BY version) - octet_length(data) AS bytes_before
              FROM events
             WHERE stream_id = $1 AND version BETWEEN $2 AND $3
             ORDER BY version
             LIMIT $4) AS page
     WHERE bytes_before < $5
     ORDER BY version`,
};

/**
 * Heads say how long each stream is, so that no long one is begun. The head is a scalar sub-select and the events a LATERAL
 * with a limit: an index lookup for each stream, which no join may replace by a scan of all heads or events.
 */
const selectWhole: Statement = {
  name: 'select-whole-streams',
  text: `
    SELECT asked, head_version, ${eventColumns}
      FROM (SELECT fitting.stream_id AS asked, fitting.ordinality, fitting.head_version, event.*,
                   sum(octet_length(event.data) + octet_length(event.metadata))
                     OVER (ORDER BY fitting.ordinality, event.version)
                     - octet_length(event.data) - octet_length(event.metadata) AS bytes_before
              FROM (SELECT stream_id, ordinality, head_version,
                           sum(head_version) OVER (ORDER BY ordinality) - head_version AS events_before
                      FROM (SELECT asked.stream_id, asked.ordinality,
                                   coalesce((SELECT known.version FROM stream_heads known
                                              WHERE known.stream_id = asked.stream_id), 0) AS head_version
                              FROM unnest($1::text[]) WITH ORDINALITY AS asked (stream_id, ordinality)) AS headed
                     WHERE head_version <= $2) AS fitting
              LEFT JOIN LATERAL (SELECT ${eventColumns}
                                   FROM events
                                  WHERE events.stream_id = fitting.stream_id
                                  ORDER BY version
                                  LIMIT $2) AS event ON true
             WHERE events_before < $3) AS page
     WHERE bytes_before IS NULL OR bytes_before < $4
     ORDER BY ordinality, version`,
};

const selectVersions: Statement = {
  name: 'select-versions',
  text: `SELECT ${eventColumns} FROM events WHERE stream_id = $1 AND version = ANY ($2::integer[]) ORDER BY version`,
};

const selectLastPosition: Statement = {
  name: 'select-last-position',
  text: `SELECT coalesce(max(position), 0) AS position FROM events`,
};
