import type { WorkflowDeploy, WorkflowEvent, WorkflowUndeploy } from '@ryax/contracts';
import type { StreamDecision } from './stream-decision';

/**
 * One workflow: its versions by content, and which of them may be run. Content that was deployed before keeps its
 * version for ever. A repeated deployment changes nothing, not even which version is the newest: a message that comes
 * late must not take a workflow back.
 */
export interface WorkflowState {
  readonly humanName: string;
  readonly versionByHash: ReadonlyMap<string, number>;
  readonly deployed: ReadonlySet<number>;
}

export type WorkflowMessage =
  | { readonly type: 'deploy'; readonly command: WorkflowDeploy }
  | { readonly type: 'undeploy'; readonly command: WorkflowUndeploy };

export function newWorkflow(): WorkflowState {
  return { humanName: '', versionByHash: new Map(), deployed: new Set() };
}

/** The version that a run gets when none is asked for; undefined when the workflow is not deployed. */
export function newestDeployed({ deployed }: WorkflowState): number | undefined {
  return deployed.size === 0 ? undefined : Math.max(...deployed);
}

/** The content of a version; undefined for one that never was. */
export function hashOfVersion({ versionByHash }: WorkflowState, version: number): string | undefined {
  for (const [hash, known] of versionByHash) if (known === version) return hash;
  return undefined;
}

export function evolveWorkflow(state: WorkflowState, event: WorkflowEvent): WorkflowState {
  switch (event.type) {
    case 'WorkflowDeployed': {
      const { human_name: humanName, definition_hash, workflow_version } = event.data;
      const versionByHash = new Map(state.versionByHash).set(definition_hash, workflow_version);
      return { humanName, versionByHash, deployed: new Set(state.deployed).add(workflow_version) };
    }
    case 'WorkflowUndeployed':
      return { ...state, deployed: new Set() };
    default:
      return event satisfies never;
  }
}

export function decideWorkflow(state: WorkflowState, message: WorkflowMessage): StreamDecision<WorkflowEvent> {
  switch (message.type) {
    case 'deploy':
      return deploy(state, message.command);
    case 'undeploy':
      return undeploy(state, message.command);
    default:
      return message satisfies never;
  }
}

function deploy(state: WorkflowState, command: WorkflowDeploy): StreamDecision<WorkflowEvent> {
  const workflow_version = state.versionByHash.get(command.definition_hash) ?? state.versionByHash.size + 1;
  const reply = { workflow_id: command.workflow_id, workflow_version };
  if (state.deployed.has(workflow_version)) return { type: 'decided', events: [], reply };
  return { type: 'decided', events: [{ type: 'WorkflowDeployed', data: { ...command, workflow_version } }], reply };
}

function undeploy(state: WorkflowState, command: WorkflowUndeploy): StreamDecision<WorkflowEvent> {
  const { workflow_id } = command;
  if (state.versionByHash.size === 0) {
    return {
      type: 'rejected',
      rejection: { code: 'not-found', message: `Expected workflow ${workflow_id}, found none` },
    };
  }
  const events: WorkflowEvent[] = state.deployed.size === 0 ? [] : [{ type: 'WorkflowUndeployed', data: command }];
  return { type: 'decided', events, reply: { workflow_id } };
}
