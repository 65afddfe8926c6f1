import type { Connection } from '@ryax/event-log';
import { failureSchema, listedRunStateSchema, runSummarySchema } from '@ryax/contracts';
import { z } from 'zod';
import { columnsOf, jsonOrNull } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { RunRow } from './run-row';
import type { RunEntity } from './run.entity';

/** The table of runs: how the projection loads and saves its rows. */
export class RunsTable {
  constructor(private readonly schema: ReadModelSchema) {}

  /** Rows of these runs, by {@link runKey}; absent ones are missing. */
  async load(connection: Connection, keys: readonly RunKey[]): Promise<Map<string, RunRow>> {
    if (keys.length === 0) return new Map();
    const text = `
      SELECT ${runColumns('r')}
      FROM unnest($1::text[], $2::text[]) AS k (project, run_id)
      JOIN ${this.schema}.runs r USING (project, run_id)`;
    const columns = columnsOf(keys, ({ project, runId }) => [project, runId]);
    const rows = await connection.query<RunEntity>({ name: `${this.schema}.runs.load`, text }, columns);
    return new Map(rows.map(readRun).map((row) => [runKey(row), row]));
  }

  /** Inserts new runs and overwrites what changes in known ones. */
  async save(connection: Connection, rows: readonly RunRow[]): Promise<void> {
    if (rows.length === 0) return;
    const text = `
      INSERT INTO ${this.schema}.runs AS r (project, run_id, workflow_id, workflow_version, definition_hash, state, labels,
        position, created_at, ended_at, counts, failure)
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::text[])
      ON CONFLICT (project, run_id) DO UPDATE
      SET state = excluded.state, ended_at = excluded.ended_at, counts = excluded.counts, failure = excluded.failure`;
    const columns = columnsOf(rows, (row) => [
      row.project,
      row.runId,
      row.workflowId,
      row.workflowVersion,
      row.definitionHash,
      row.state,
      JSON.stringify(row.labels),
      row.position,
      row.createdAt,
      row.endedAt,
      jsonOrNull(row.counts),
      jsonOrNull(row.failure),
    ]);
    await connection.query({ name: `${this.schema}.runs.save`, text }, columns);
  }

  /** One row a label, so that a list by label walks an index in its own order, however common the label is. */
  async saveLabels(connection: Connection, started: readonly RunRow[]): Promise<void> {
    const labels = started.flatMap((row) =>
      Object.entries(row.labels).map(([name, value]) => ({ row, label: labelText(name, value) })),
    );
    if (labels.length === 0) return;
    const text = `
      INSERT INTO ${this.schema}.run_labels (project, label, position, run_id)
      SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])`;
    const columns = columnsOf(labels, ({ row, label }) => [row.project, label, row.position, row.runId]);
    await connection.query({ name: `${this.schema}.runs.saveLabels`, text }, columns);
  }
}

export interface RunKey {
  readonly project: string;
  readonly runId: string;
}

export function runKey({ project, runId }: RunKey): string {
  return `${project}:${runId}`;
}

/** A label as one text. JSON, since a value may hold U+0000, which PostgreSQL's `text` refuses. */
export function labelText(name: string, value: string): string {
  return JSON.stringify([name, value]);
}

export function runColumns(alias: string): string {
  return runColumnNames.map((name) => `${alias}.${name}`).join(', ');
}

const runColumnNames = [
  'project',
  'run_id',
  'workflow_id',
  'workflow_version',
  'definition_hash',
  'state',
  'labels',
  'position',
  'created_at',
  'ended_at',
  'counts',
  'failure',
] as const;

const labelsSchema = z.record(z.string(), z.string());

export function readRun(row: RunEntity): RunRow {
  return {
    project: row.project,
    runId: row.run_id,
    workflowId: row.workflow_id,
    workflowVersion: row.workflow_version,
    definitionHash: row.definition_hash,
    state: listedRunStateSchema.parse(row.state),
    labels: labelsSchema.parse(JSON.parse(row.labels)),
    position: Number(row.position),
    createdAt: Number(row.created_at),
    endedAt: row.ended_at === null ? null : Number(row.ended_at),
    counts: row.counts === null ? null : runSummarySchema.shape.counts.parse(JSON.parse(row.counts)),
    failure: row.failure === null ? null : failureSchema.parse(JSON.parse(row.failure)),
  };
}
