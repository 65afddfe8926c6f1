import type { Connection } from '@ryax/event-log';
import { columnsOf } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { TallyRow } from './tally';

/** Over all projects. */
export type TallyCount = Omit<TallyRow, 'project'>;

export class TalliesTable {
  constructor(private readonly schema: ReadModelSchema) {}

  async add(connection: Connection, changes: readonly TallyRow[]): Promise<void> {
    if (changes.length === 0) return;
    const text = `
      INSERT INTO ${this.schema}.tallies AS t (subject, project, state, count)
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
      ON CONFLICT (subject, project, state) DO UPDATE SET count = t.count + excluded.count`;
    const columns = columnsOf(changes, (row) => [row.subject, row.project, row.state, row.count]);
    await connection.query({ name: `${this.schema}.tallies.add`, text }, columns);
  }

  async read(connection: Connection): Promise<readonly TallyCount[]> {
    const text = `SELECT subject, state, sum(count)::float8 AS count FROM ${this.schema}.tallies GROUP BY subject, state`;
    return connection.query<TallyCount>({ name: `${this.schema}.tallies.read`, text });
  }
}
