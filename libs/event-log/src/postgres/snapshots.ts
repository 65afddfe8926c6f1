import type { Snapshot } from '../event-log';
import type { Connection } from './database';
import type { SnapshotRow } from './entities';
import type { Statement } from './sql';

export async function save(connection: Connection, snapshot: Snapshot): Promise<void> {
  const { streamId, schema, version, hash, state } = snapshot;
  await connection.query(upsert, [streamId, schema, version, Buffer.from(hash, 'hex'), state]);
}

export async function load(connection: Connection, streamId: string, schema: number): Promise<Snapshot | undefined> {
  const [row] = await connection.query<Pick<SnapshotRow, 'version' | 'hash' | 'state'>>(select, [streamId, schema]);
  return row && { streamId, schema, version: row.version, hash: row.hash.toString('hex'), state: row.state };
}

const upsert: Statement = {
  name: 'upsert-snapshot',
  text: `
    INSERT INTO snapshots AS old (stream_id, schema, version, hash, state)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (stream_id, schema) DO UPDATE
       SET version = excluded.version, hash = excluded.hash, state = excluded.state
     WHERE old.version < excluded.version`,
};

/** Only of the history that the log holds: after a fail-over a snapshot may be of one that was lost. */
const select: Statement = {
  name: 'select-snapshot',
  text: `
    SELECT version, hash, state
      FROM snapshots
     WHERE stream_id = $1 AND schema = $2
       AND EXISTS (SELECT FROM events
                    WHERE events.stream_id = snapshots.stream_id AND events.version = snapshots.version
                      AND events.hash = snapshots.hash)`,
};
