import type { Collection, Instance, RunState, Scope } from './state';

/** Within this time of being asked to stop, an attempt should have confirmed; then it is asked by force. */
export const CANCEL_FORCE_AFTER_MS = 60_000;
/** A cancelled attempt that nobody confirmed by then is given up, so that every run ends (PROTOCOLS §6). */
export const CANCEL_DEADLINE_MS = 120_000;

/** What a point in time means to a run. What became pointless meanwhile is recognised when it comes up. */
export type Timer =
  | { readonly at: number; readonly type: 'retry' | 'group-timeout'; readonly instance: Instance }
  | { readonly at: number; readonly type: 'cancel-force' | 'cancel-deadline'; readonly container: Scope | Collection }
  | { readonly at: number; readonly type: 'run-timeout' | 'finally-timeout' };

// Every timer follows from the state, so that a restored run has the same ones.

export function addRunTimer({ timers, plan, start }: RunState): void {
  if (plan.timeoutMs !== null && start !== null) timers.push({ at: start.at + plan.timeoutMs, type: 'run-timeout' });
}

export function addFinallyTimer({ timers, plan, mainEndedAt }: RunState): void {
  if (mainEndedAt !== null) timers.push({ at: mainEndedAt + plan.finallyTimeoutMs, type: 'finally-timeout' });
}

export function addGroupTimer({ timers }: RunState, group: Instance): void {
  const { timeoutMs } = group.entry;
  if (timeoutMs === null || group.startedAt === null) return;
  timers.push({ at: group.startedAt + timeoutMs, type: 'group-timeout', instance: group });
}

export function addStopTimers({ timers }: RunState, container: Scope | Collection): void {
  if (container.stop === null || container.active === 0) return;
  const { since } = container.stop;
  timers.push({ at: since + CANCEL_FORCE_AFTER_MS, type: 'cancel-force', container });
  timers.push({ at: since + CANCEL_DEADLINE_MS, type: 'cancel-deadline', container });
}
