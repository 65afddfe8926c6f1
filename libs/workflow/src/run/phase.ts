/**
 * Where an instance (an action's execution, a group's instance, a collection) stands.
 *
 * | from | by | to |
 * |---|---|---|
 * | waiting | its last dependency ended | deciding, if a condition or a skipped dependency is to be judged; else as below |
 * | deciding | ConditionMet | an action: ready; a group: open; a collection: opening |
 * | deciding | ExecutionSkipped | skipped |
 * | opening | CollectionOpened | open |
 * | deciding, opening, ready | ExecutionFailed without attempt | failed |
 * | ready, retrying | ExecutionScheduled | scheduled |
 * | scheduled | ExecutionStarted | started |
 * | scheduled, started | ExecutionSucceeded, ExecutionFailed, ExecutionCancelled | succeeded, failed, cancelled |
 * | scheduled, started | ExecutionFailed with will_retry | retrying |
 * | retrying | ExecutionRetryScheduled's time | ready (no event: time alone does it, and the log has the time) |
 * | open | the group's ExecutionSucceeded / Failed / Cancelled, CollectionClosed | succeeded, failed, cancelled |
 * | waiting, deciding, opening, ready, retrying | its scope is stopped | cancelled (no event: the scope's end covers it) |
 *
 * Everything else leaves it as it is: the last four phases are final.
 */
export type Phase =
  | 'waiting'
  | 'deciding'
  | 'opening'
  | 'ready'
  | 'scheduled'
  | 'started'
  | 'retrying'
  | 'open'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'cancelled';

export const phases: readonly Phase[] = [
  'waiting',
  'deciding',
  'opening',
  'ready',
  'scheduled',
  'started',
  'retrying',
  'open',
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
];

export type EndPhase = 'succeeded' | 'failed' | 'skipped' | 'cancelled';

export function isEnded(phase: Phase): phase is EndPhase {
  return phase === 'succeeded' || phase === 'failed' || phase === 'skipped' || phase === 'cancelled';
}

/** An attempt of it was handed out and has not ended. */
export function isOutstanding(phase: Phase): boolean {
  return phase === 'scheduled' || phase === 'started';
}

/** It keeps its scope open even when that is stopped: something outside must first say that it has ended. */
export function isActive(phase: Phase): boolean {
  return phase === 'open' || isOutstanding(phase);
}
