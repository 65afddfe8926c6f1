import type { ExecutionEnd, Failure } from '@ryax/contracts';
import type { DecodedEvent } from '../../tail/decoded-event';

/** How an execution ended: written once, then. Before that it is read by folding its run. */
export interface ExecutionRow {
  /** Of the event that ended it: the order of lists, newest first, and their cursor. */
  readonly position: number;
  readonly project: string;
  readonly runId: string;
  readonly execution: string;
  readonly state: ExecutionEnd;
  readonly attempt: number | null;
  readonly durationMs: number | null;
  readonly executor: string | null;
  readonly endedAt: number;
  readonly failure: Failure | null;
}

/** The row that an event ends an execution with, if it does. */
export function endedExecution(decoded: DecodedEvent): ExecutionRow | undefined {
  const { event } = decoded;
  switch (event.type) {
    case 'ExecutionSucceeded': {
      const { execution, attempt, duration_ms: durationMs, executor } = event.data;
      const { position, stream, recordedAt: endedAt } = decoded;
      const { project, id: runId } = stream;
      // Field by field: it is what nearly all executions end with, and a spread leaves ten times as much to be collected.
      return {
        position,
        project,
        runId,
        execution,
        state: 'succeeded',
        attempt,
        durationMs,
        executor,
        endedAt,
        failure: null,
      };
    }
    case 'ExecutionFailed': {
      const { execution, attempt, duration_ms: durationMs, executor, failure } = event.data;
      return event.data.will_retry
        ? undefined
        : { ...ending(decoded), execution, state: 'failed', attempt, durationMs, executor, failure };
    }
    case 'ExecutionSkipped':
      return { ...ending(decoded), ...neverRan, execution: event.data.execution, state: 'skipped' };
    case 'ExecutionCancelled': {
      const { execution, attempt } = event.data;
      return { ...ending(decoded), ...neverRan, execution, attempt, state: 'cancelled' };
    }
    default:
      return undefined;
  }
}

function ending({ position, stream, recordedAt }: DecodedEvent) {
  return { position, project: stream.project, runId: stream.id, endedAt: recordedAt };
}

const neverRan = { attempt: null, durationMs: null, executor: null, failure: null } as const;
