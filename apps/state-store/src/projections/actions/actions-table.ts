import type { Connection } from '@ryax/event-log';
import { columnsOf } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { ActionRow } from './action-row';

export class ActionsTable {
  constructor(private readonly schema: ReadModelSchema) {}

  async insert(connection: Connection, rows: readonly ActionRow[]): Promise<void> {
    if (rows.length === 0) return;
    // A repeat in the log (an action's version is published once) must not stop the projection.
    const text = `
      INSERT INTO ${this.schema}.actions (project, action_id, version, content_hash, manifest)
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
      ON CONFLICT (project, action_id, version) DO NOTHING`;
    const columns = columnsOf(rows, (row) => [
      row.project,
      row.actionId,
      row.version,
      row.contentHash,
      JSON.stringify(row.manifest),
    ]);
    await connection.query({ name: `${this.schema}.actions.insert`, text }, columns);
  }
}
