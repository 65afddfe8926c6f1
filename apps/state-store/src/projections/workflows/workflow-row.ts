import type { DecodedEvent } from '../../tail/decoded-event';

/** A workflow: its newest deployed version, or the last that was, when it is not deployed any more. */
export interface WorkflowRow {
  readonly project: string;
  readonly workflowId: string;
  readonly version: number;
  readonly humanName: string;
  readonly definitionHash: string;
  readonly deployed: boolean;
  readonly deployedAt: number;
}

/** Folds one event of a workflow's stream into its row. */
export function evolveWorkflowRow(row: WorkflowRow | undefined, decoded: DecodedEvent): WorkflowRow | undefined {
  const { event, stream, recordedAt } = decoded;
  switch (event.type) {
    case 'WorkflowDeployed':
      // An older version may be deployed again beside a newer one.
      if (row?.deployed === true && row.version > event.data.workflow_version) return row;
      return {
        project: stream.project,
        workflowId: event.data.workflow_id,
        version: event.data.workflow_version,
        humanName: event.data.human_name,
        definitionHash: event.data.definition_hash,
        deployed: true,
        deployedAt: recordedAt,
      };
    case 'WorkflowUndeployed':
      return row && { ...row, deployed: false };
    default:
      return row;
  }
}
