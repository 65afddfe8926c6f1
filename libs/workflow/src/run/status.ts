import type { Phase } from './phase';
import type { ExecutionStatus } from './run-aggregate';
import type { Instance, Scope } from './state';

export function statusOf({ phase, parent, inner }: Instance): ExecutionStatus {
  return statusOfPhase(phase, parent.stop !== null || (inner !== null && inner.stop !== null));
}

/** Nothing happened to it: it waits, or its scope was stopped before it could begin. */
export function unbegunStatus(scope: Scope): ExecutionStatus {
  return scope.stop === null ? 'waiting' : 'cancelled';
}

/** What users are shown; `stopped` says that the scope around it is being stopped. */
export function statusOfPhase(phase: Phase, stopped: boolean): ExecutionStatus {
  switch (phase) {
    case 'deciding':
    case 'opening':
      return 'waiting';
    case 'scheduled':
      return stopped ? 'cancelling' : 'scheduled';
    case 'started':
    case 'open':
      return stopped ? 'cancelling' : 'running';
    default:
      return phase;
  }
}

export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

export function optionalTimestamp(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : timestamp(ms);
}
