import type { Connection } from '@ryax/event-log';
import { columnsOf } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { ObservationRow } from './observation-row';
import type { ObservationEntity } from './observation.entity';

export type ObservationKey = Pick<ObservationRow, 'project' | 'definitionHash' | 'entry' | 'subject'>;

export class ObservationsTable {
  constructor(private readonly schema: ReadModelSchema) {}

  async load(connection: Connection, keys: readonly ObservationKey[]): Promise<Map<string, ObservationRow>> {
    const text = `
      SELECT o.*
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (project, definition_hash, entry, subject)
      JOIN ${this.schema}.observations o USING (project, definition_hash, entry, subject)`;
    const columns = columnsOf(keys, (key) => [key.project, key.definitionHash, key.entry, key.subject]);
    const rows = await connection.query<ObservationEntity>({ name: `${this.schema}.observations.load`, text }, columns);
    return new Map(rows.map(readObservation).map((row) => [observationKey(row), row]));
  }

  async save(connection: Connection, rows: readonly ObservationRow[]): Promise<void> {
    const text = `
      INSERT INTO ${this.schema}.observations
        (project, definition_hash, entry, subject, seen, mean, variance, position)
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::float8[], $7::float8[], $8::bigint[])
      ON CONFLICT (project, definition_hash, entry, subject) DO UPDATE
      SET seen = excluded.seen, mean = excluded.mean, variance = excluded.variance, position = excluded.position`;
    const columns = columnsOf(rows, (row) => [
      row.project,
      row.definitionHash,
      row.entry,
      row.subject,
      row.seen,
      row.mean,
      row.variance,
      row.position,
    ]);
    await connection.query({ name: `${this.schema}.observations.save`, text }, columns);
  }
}

export function observationKey({ project, definitionHash, entry, subject }: ObservationKey): string {
  return `${project}:${definitionHash}:${entry}:${subject}`;
}

function readObservation(row: ObservationEntity): ObservationRow {
  const { project, definition_hash: definitionHash, entry, mean, variance } = row;
  const subject = row.subject === 'count' ? 'count' : 'duration';
  return {
    project,
    definitionHash,
    entry,
    subject,
    mean,
    variance,
    seen: Number(row.seen),
    position: Number(row.position),
  };
}
