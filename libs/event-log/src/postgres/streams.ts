import type { StoredEvent } from '../event-log';
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

const selectVersions: Statement = {
  name: 'select-versions',
  text: `SELECT ${eventColumns} FROM events WHERE stream_id = $1 AND version = ANY ($2::integer[]) ORDER BY version`,
};

const selectLastPosition: Statement = {
  name: 'select-last-position',
  text: `SELECT coalesce(max(position), 0) AS position FROM events`,
};
