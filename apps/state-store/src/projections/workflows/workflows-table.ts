import type { Connection } from '@ryax/event-log';
import { z } from 'zod';
import { columnsOf } from '../columns';
import type { ReadModelSchema } from '../schema';
import type { WorkflowRow } from './workflow-row';
import type { WorkflowEntity } from './workflow.entity';

export type WorkflowKey = Pick<WorkflowRow, 'project' | 'workflowId'>;

export class WorkflowsTable {
  constructor(private readonly schema: ReadModelSchema) {}

  async load(connection: Connection, keys: readonly WorkflowKey[]): Promise<Map<string, WorkflowRow>> {
    const text = `
      SELECT w.*
      FROM unnest($1::text[], $2::text[]) AS k (project, workflow_id)
      JOIN ${this.schema}.workflows w USING (project, workflow_id)`;
    const columns = columnsOf(keys, ({ project, workflowId }) => [project, workflowId]);
    const rows = await connection.query<WorkflowEntity>({ name: `${this.schema}.workflows.load`, text }, columns);
    return new Map(rows.map(readWorkflow).map((row) => [workflowKey(row), row]));
  }

  async save(connection: Connection, rows: readonly WorkflowRow[]): Promise<void> {
    const text = `
      INSERT INTO ${this.schema}.workflows (project, workflow_id, version, human_name, definition_hash, deployed, deployed_at)
      SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::bool[], $7::bigint[])
      ON CONFLICT (project, workflow_id) DO UPDATE
      SET version = excluded.version, human_name = excluded.human_name, definition_hash = excluded.definition_hash,
        deployed = excluded.deployed, deployed_at = excluded.deployed_at`;
    const columns = columnsOf(rows, (row) => [
      row.project,
      row.workflowId,
      row.version,
      JSON.stringify(row.humanName),
      row.definitionHash,
      row.deployed,
      row.deployedAt,
    ]);
    await connection.query({ name: `${this.schema}.workflows.save`, text }, columns);
  }
}

export function workflowKey({ project, workflowId }: WorkflowKey): string {
  return `${project}:${workflowId}`;
}

export function readWorkflow(row: WorkflowEntity): WorkflowRow {
  return {
    project: row.project,
    workflowId: row.workflow_id,
    version: row.version,
    humanName: z.string().parse(JSON.parse(row.human_name)),
    definitionHash: row.definition_hash,
    deployed: row.deployed,
    deployedAt: Number(row.deployed_at),
  };
}
