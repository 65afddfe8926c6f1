import type { Failure, ListedRunState, RunSummary } from '@ryax/contracts';
import type { DecodedEvent } from '../../tail/decoded-event';

/** What lists know of a run. Written when it starts, when its cancel is asked for, and when it ends. */
export interface RunRow {
  readonly project: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly definitionHash: string;
  readonly state: ListedRunState;
  readonly labels: Readonly<Record<string, string>>;
  /** Of its first event: the order of lists, newest first, and their cursor. */
  readonly position: number;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly counts: RunSummary['counts'];
  readonly failure: Failure | null;
}

/** Folds one event into a run's row; the same row when the event changes nothing that lists show. */
export function evolveRunRow(row: RunRow | undefined, decoded: DecodedEvent): RunRow | undefined {
  const { event, recordedAt, stream } = decoded;
  if (event.type === 'RunStarted') {
    return {
      project: stream.project,
      runId: stream.id,
      workflowId: event.data.workflow_id,
      workflowVersion: event.data.workflow_version,
      definitionHash: event.data.definition_hash,
      state: 'running',
      labels: event.data.labels,
      position: decoded.position,
      createdAt: recordedAt,
      endedAt: null,
      counts: null,
      failure: null,
    };
  }
  if (row === undefined) return undefined;
  switch (event.type) {
    case 'RunCancelRequested':
      // The run's own time limit asks in the same way, and ends it as failed.
      return event.data.cause === 'user' ? { ...row, state: 'cancelling' } : row;
    case 'RunSucceeded':
      return { ...row, state: 'succeeded', endedAt: recordedAt, counts: event.data.counts };
    case 'RunFailed':
      return {
        ...row,
        state: 'failed',
        endedAt: recordedAt,
        counts: event.data.counts,
        failure: event.data.failure,
      };
    case 'RunCancelled':
      return { ...row, state: 'cancelled', endedAt: recordedAt, counts: event.data.counts };
    default:
      return row;
  }
}
