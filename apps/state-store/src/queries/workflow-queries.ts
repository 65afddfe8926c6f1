import { parsedJsonSchema, streamId, type WorkflowView } from '@ryax/contracts';
import { streamPages, type Database, type EventLog } from '@ryax/event-log';
import { evolveWorkflow, newestDeployed, newWorkflow } from '@ryax/workflow';
import type { ProjectionProgress } from '../projections/freshness';
import { listWorkflows } from '../projections/workflows/list-workflows';
import { evolveWorkflowRow, type WorkflowRow } from '../projections/workflows/workflow-row';
import type { Definitions } from '../reading/definitions';
import { decodeEvent } from '../tail/decoded-event';
import { decodeKey } from './cursor';
import { isoTime, listPage } from './list-page';
import type { QueryHandlers } from './query-handlers';
import { notFound } from './rejection';

export interface WorkflowQueryParts {
  readonly database: Database;
  readonly log: EventLog;
  readonly definitions: Pick<Definitions, 'read'>;
  readonly progress: ProjectionProgress;
}

/** A larger one does not fit into an answer: its reader finds it in the filestore, under its hash. */
const mostDefinitionBytes = 3 * 1024 * 1024;

export function workflowQueries(parts: WorkflowQueryParts): Pick<QueryHandlers, 'workflow.list' | 'workflow.get'> {
  const { database, log, definitions, progress } = parts;
  return {
    'workflow.list': ({ project, cursor, limit }) => {
      const [after = ''] = decodeKey(cursor, 1) ?? [];
      return listPage(progress, {
        limit,
        read: (rows) => listWorkflows(database, project, after, rows),
        toItem: viewOf,
        keyOf: ({ workflowId }) => [workflowId],
      });
    },

    'workflow.get': async ({ project, workflow_id, version }) => {
      const { state, versions } = await foldWorkflow(log, project, workflow_id);
      const known = [...versions.keys()].sort((a, b) => a - b);
      const newest = newestDeployed(state) ?? known.at(-1);
      if (newest === undefined) throw notFound(`Expected a workflow ${workflow_id}, found none`);
      const asked = versions.get(version ?? newest);
      if (asked === undefined) {
        throw notFound(`Expected version ${version} of workflow ${workflow_id}, found ${known.join(', ')}`);
      }
      const { deployed, bytes } = await definitions.read(asked.definitionHash);
      return {
        ...viewOf({ ...asked, deployed: state.deployed.has(asked.version) }),
        definition: bytes > mostDefinitionBytes ? null : parsedJsonSchema.parse(deployed.definition),
        versions: known,
      };
    },
  };
}

/** The stream itself and not the read model: what was deployed just now is there. Each version as it was deployed last. */
async function foldWorkflow(log: EventLog, project: string, workflowId: string) {
  const versions = new Map<number, WorkflowRow>();
  let state = newWorkflow();
  for await (const page of streamPages(log, streamId('workflow', project, workflowId))) {
    for (const decoded of page.map(decodeEvent)) {
      const { event } = decoded;
      if (event.type !== 'WorkflowDeployed' && event.type !== 'WorkflowUndeployed') continue;
      state = evolveWorkflow(state, event);
      const row = evolveWorkflowRow(undefined, decoded);
      if (row !== undefined) versions.set(row.version, row);
    }
  }
  return { state, versions };
}

function viewOf(row: WorkflowRow): WorkflowView {
  return {
    workflow_id: row.workflowId,
    version: row.version,
    human_name: row.humanName,
    definition_hash: row.definitionHash,
    deployed: row.deployed,
    deployed_at: isoTime(row.deployedAt),
  };
}
