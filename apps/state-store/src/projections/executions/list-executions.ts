import { executionEndSchema, failureSchema, type ExecutionEnd, type ExecutionSummary } from '@ryax/contracts';
import type { Connection } from '@ryax/event-log';
import type { RunEntity } from '../runs/run.entity';
import { liveSchema } from '../schema';
import type { ExecutionEntity } from './execution.entity';

export interface ExecutionFilter {
  readonly project: string;
  readonly state: ExecutionEnd;
  /** Only executions that ended before the one at this position. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface ListedExecution {
  readonly position: number;
  readonly summary: ExecutionSummary;
}

/** Executions of all runs that ended in one way, newest first. */
export async function listExecutions(connection: Connection, filter: ExecutionFilter): Promise<ListedExecution[]> {
  const values = [filter.project, filter.state, filter.before ?? Number.MAX_SAFE_INTEGER, filter.limit];
  return (await connection.query<ListedRow>(selectExecutions, values)).map(readExecution);
}

export const selectExecutions = {
  name: 'executions.list',
  text: `
    SELECT e.*, r.workflow_id
    FROM ${liveSchema}.executions e
    JOIN ${liveSchema}.runs r USING (project, run_id)
    WHERE e.project = $1 AND e.state = $2 AND e.position < $3
    ORDER BY e.position DESC
    LIMIT $4`,
};

type ListedRow = ExecutionEntity & Pick<RunEntity, 'workflow_id'>;

function readExecution(row: ListedRow): ListedExecution {
  const { run_id, workflow_id, execution, attempt, duration_ms, executor } = row;
  return {
    position: Number(row.position),
    summary: {
      run_id,
      workflow_id,
      execution,
      state: executionEndSchema.parse(row.state),
      attempt,
      duration_ms,
      executor,
      ended_at: new Date(Number(row.ended_at)).toISOString(),
      failure: row.failure === null ? null : failureSchema.parse(JSON.parse(row.failure)),
    },
  };
}
