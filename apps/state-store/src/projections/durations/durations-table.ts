import type { Connection } from '@ryax/event-log';
import { columnsOf } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { DurationRow } from './duration-row';

export type DurationKey = Pick<DurationRow, 'project' | 'definitionHash' | 'entry'>;

export class DurationsTable {
  constructor(private readonly schema: ReadModelSchema) {}

  async load(connection: Connection, keys: readonly DurationKey[]): Promise<DurationRow[]> {
    const text = `
      SELECT d.project, d.definition_hash AS "definitionHash", d.entry, d.seen::float8 AS seen, d.mean_ms AS "meanMs"
      FROM unnest($1::text[], $2::text[], $3::text[]) AS k (project, definition_hash, entry)
      JOIN ${this.schema}.entry_durations d USING (project, definition_hash, entry)`;
    const columns = columnsOf(keys, (key) => [key.project, key.definitionHash, key.entry]);
    return connection.query<DurationRow>({ name: `${this.schema}.durations.load`, text }, columns);
  }

  async save(connection: Connection, rows: readonly DurationRow[]): Promise<void> {
    const text = `
      INSERT INTO ${this.schema}.entry_durations (project, definition_hash, entry, seen, mean_ms)
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::float8[])
      ON CONFLICT (project, definition_hash, entry) DO UPDATE SET seen = excluded.seen, mean_ms = excluded.mean_ms`;
    const columns = columnsOf(rows, (row) => [row.project, row.definitionHash, row.entry, row.seen, row.meanMs]);
    await connection.query({ name: `${this.schema}.durations.save`, text }, columns);
  }
}

export function durationKey({ project, definitionHash, entry }: DurationKey): string {
  return `${project}:${definitionHash}:${entry}`;
}
