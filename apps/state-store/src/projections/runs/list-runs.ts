import type { ListedRunState } from '@ryax/contracts';
import type { Connection } from '@ryax/event-log';
import { liveSchema } from '../schema';
import type { RunRow } from './run-row';
import type { RunEntity } from './run.entity';
import { labelText, readRun, runColumns } from './runs-table';

export interface RunFilter {
  readonly project: string;
  readonly workflowId?: string | undefined;
  readonly state?: ListedRunState | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Only runs that started before the one at this position. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Runs that fit the filter, newest first. */
export async function listRuns(connection: Connection, filter: RunFilter): Promise<RunRow[]> {
  const { text, values } = runListStatement(filter);
  const rows = await connection.query<RunEntity>({ name: '', text }, values);
  return rows.map(readRun);
}

/**
 * Each filter walks the index that has the list's own order, so that a page costs what a page holds, however many runs
 * there are. By label, the first one is walked and the others are looked up. Not prepared: each combination of filters is
 * another statement.
 */
export function runListStatement(filter: RunFilter): { readonly text: string; readonly values: readonly unknown[] } {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const [label, ...otherLabels] = Object.entries(filter.labels ?? {}).map(([name, value]) => labelText(name, value));
  const walked = label === undefined ? 'r' : 'l';

  const conditions = [`${walked}.project = ${bind(filter.project)}`];
  if (label !== undefined) conditions.push(`l.label = ${bind(label)}`);
  if (filter.before !== undefined) conditions.push(`${walked}.position < ${bind(filter.before)}`);
  if (filter.workflowId !== undefined) conditions.push(`r.workflow_id = ${bind(filter.workflowId)}`);
  if (filter.state !== undefined) conditions.push(`r.state = ${bind(filter.state)}`);
  for (const other of otherLabels) {
    conditions.push(`EXISTS (SELECT FROM ${liveSchema}.run_labels o
      WHERE o.project = l.project AND o.label = ${bind(other)} AND o.position = l.position)`);
  }

  const runs = `${liveSchema}.runs r`;
  const text = `
    SELECT ${runColumns('r')}
    FROM ${label === undefined ? runs : `${liveSchema}.run_labels l JOIN ${runs} USING (project, run_id)`}
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${walked}.position DESC
    LIMIT ${bind(filter.limit)}`;
  return { text, values };
}
