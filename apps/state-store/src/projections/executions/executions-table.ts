import type { Connection } from '@ryax/event-log';
import { columnsOf, jsonOrNull } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { ExecutionRow } from './execution-row';

export class ExecutionsTable {
  constructor(private readonly schema: ReadModelSchema) {}

  async insert(connection: Connection, rows: readonly ExecutionRow[]): Promise<void> {
    if (rows.length === 0) return;
    const text = `
      INSERT INTO ${this.schema}.executions (position, project, run_id, execution, state, attempt, duration_ms, executor,
        ended_at, failure)
      SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::float8[],
        $8::text[], $9::bigint[], $10::text[])`;
    const columns = columnsOf(rows, (row) => [
      row.position,
      row.project,
      row.runId,
      row.execution,
      row.state,
      row.attempt,
      row.durationMs,
      row.executor,
      row.endedAt,
      jsonOrNull(row.failure),
    ]);
    await connection.query({ name: `${this.schema}.executions.insert`, text }, columns);
  }
}
