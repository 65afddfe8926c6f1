import type { Deciding } from './deciding';
import { nameOf } from './names';
import { confirmCancelled } from './reports';
import { isOpen, isRunDone, isScopeDone, type Instance, type RunState } from './state';
import { setPhase } from './tally';
import { CANCEL_DEADLINE_MS, type Timer } from './timer';

/**
 * The earliest time at which the run wants a `wake`; null when only messages can move it on. What could not be settled
 * for want of a value wants one at once.
 */
export function nextWakeup(state: RunState): number | null {
  if (!isOpen(state)) return null;
  if (state.unsettled.length > 0 || isRunDone(state)) return state.updatedAt;
  return firstPending(state)?.at ?? null;
}

/** Decides for every timer whose time has come, in order of their times. */
export function fireTimers(deciding: Deciding): void {
  const { state, now } = deciding;
  for (let timer = firstPending(state); timer !== undefined && timer.at <= now; timer = firstPending(state)) {
    state.timers.pop();
    fire(deciding, timer);
  }
}

function firstPending(state: RunState): Timer | undefined {
  for (let timer = state.timers.peek(); timer !== undefined; timer = state.timers.peek()) {
    if (isPending(state, timer)) return timer;
    state.timers.pop();
  }
  return undefined;
}

/** Whether a timer still means anything. */
function isPending(state: RunState, timer: Timer): boolean {
  switch (timer.type) {
    case 'retry':
      return timer.instance.phase === 'retrying' && timer.instance.readyAt === timer.at;
    case 'group-timeout':
      return isRunningGroup(timer.instance);
    case 'run-timeout':
      return isOpen(state) && state.mainEndedAt === null && state.main.stop === null;
    case 'finally-timeout':
      return isOpen(state) && state.finally.stop === null && !isScopeDone(state.finally);
    case 'cancel-force':
    case 'cancel-deadline':
      return timer.container.active > 0;
    default:
      return timer satisfies never;
  }
}

function isRunningGroup({ phase, inner }: Instance): boolean {
  return phase === 'open' && inner?.type === 'scope' && inner.stop === null && !isScopeDone(inner);
}

/**
 * A retry becomes ready without an event: that it is due follows from ExecutionRetryScheduled and the time. A replay that
 * has not been woken yet shows the execution as retrying, and takes the event of its next attempt all the same.
 */
function fire(deciding: Deciding, timer: Timer): void {
  switch (timer.type) {
    case 'retry':
      return setPhase(deciding.state, timer.instance, 'ready');
    case 'group-timeout':
      return groupTimedOut(deciding, timer.instance);
    case 'run-timeout':
      return deciding.emit(timeLimit(deciding.state.plan.timeoutMs ?? 0, 'run-timeout'));
    case 'finally-timeout':
      return deciding.emit(timeLimit(deciding.state.plan.finallyTimeoutMs, 'finally-timeout'));
    case 'cancel-force':
      return;
    case 'cancel-deadline':
      return giveUpCancelled(deciding);
    default:
      return timer satisfies never;
  }
}

function groupTimedOut(deciding: Deciding, group: Instance): void {
  const message = `${nameOf(group)} did not end within ${group.entry.timeoutMs} ms`;
  deciding.failWithoutAttempt(group, { kind: 'timeout', message });
}

function timeLimit(ms: number, cause: 'run-timeout' | 'finally-timeout') {
  const reason = `time limit of ${ms} ms`;
  const data = { reason, force: cause === 'finally-timeout', cause, requested_by: null };
  return { type: 'RunCancelRequested', data } as const;
}

/** Nobody said that it stopped; after the deadline the run does not wait for it any longer. */
function giveUpCancelled(deciding: Deciding): void {
  for (const instance of [...deciding.state.outstanding]) {
    const { stop } = instance.parent;
    if (stop === null || stop.since + CANCEL_DEADLINE_MS > deciding.now) continue;
    confirmCancelled(deciding, instance, nameOf(instance), stop, false);
  }
}
