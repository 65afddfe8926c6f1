import { parsedJsonSchema, type WorkflowView } from '@ryax/contracts';
import type { Database } from '@ryax/event-log';
import type { ProjectionProgress } from '../projections/freshness';
import { listWorkflows } from '../projections/workflows/list-workflows';
import type { WorkflowRow } from '../projections/workflows/workflow-row';
import type { Definitions } from '../reading/definitions';
import { newestVersion, type FoldedWorkflows } from '../reading/folded-workflows';
import { decodeKey } from './cursor';
import { isoTime, listPage } from './list-page';
import type { QueryHandlers } from './query-handlers';
import { notFound, type QueryRejectedError } from './rejection';

export interface WorkflowQueryParts {
  readonly database: Database;
  readonly workflows: FoldedWorkflows;
  readonly definitions: Pick<Definitions, 'read'>;
  readonly progress: ProjectionProgress;
}

/** A larger one does not fit into an answer: its reader finds it in the filestore, under its hash. */
const mostDefinitionBytes = 3 * 1024 * 1024;

export function workflowQueries(
  parts: WorkflowQueryParts,
): Pick<QueryHandlers, 'workflow.list' | 'workflow.get' | 'workflow.current'> {
  const { database, workflows, definitions, progress } = parts;
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
      const folded = await workflows.read(project, workflow_id);
      const newest = newestVersion(folded);
      if (newest === undefined) throw unknown(workflow_id);
      const known = [...folded.versions.keys()].sort((a, b) => a - b);
      const asked = version === undefined ? newest : folded.versions.get(version);
      if (asked === undefined) {
        throw notFound(`Expected version ${version} of workflow ${workflow_id}, found ${known.join(', ')}`);
      }
      const { deployed, bytes } = await definitions.read(asked.definitionHash);
      return {
        ...viewOf({ ...asked, deployed: folded.state.deployed.has(asked.version) }),
        definition: bytes > mostDefinitionBytes ? null : parsedJsonSchema.parse(deployed.definition),
        versions: known,
      };
    },

    'workflow.current': async ({ project, workflow_id }) => {
      const folded = await workflows.read(project, workflow_id);
      const newest = newestVersion(folded);
      if (newest === undefined) throw unknown(workflow_id);
      const { version, definitionHash } = newest;
      const deployed = folded.state.deployed.has(version);
      return { version, definition_hash: definitionHash, deployed, head: folded.head };
    },
  };
}

function unknown(workflowId: string): QueryRejectedError {
  return notFound(`Expected a workflow ${workflowId}, found none`);
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
