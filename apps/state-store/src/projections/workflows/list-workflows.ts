import type { Connection } from '@ryax/event-log';
import { liveSchema } from '../schema';
import type { WorkflowRow } from './workflow-row';
import type { WorkflowEntity } from './workflow.entity';
import { readWorkflow } from './workflows-table';

/** Workflows of a project, by id. */
export async function listWorkflows(
  connection: Connection,
  project: string,
  after: string,
  limit: number,
): Promise<WorkflowRow[]> {
  return (await connection.query<WorkflowEntity>(selectWorkflows, [project, after, limit])).map(readWorkflow);
}

const selectWorkflows = {
  name: 'workflows.list',
  text: `
    SELECT * FROM ${liveSchema}.workflows
    WHERE project = $1 AND workflow_id > $2
    ORDER BY workflow_id
    LIMIT $3`,
};
