import { isEnded, isOutstanding } from './phase';
import type { Collection, Instance, RunState, Scope, Stop } from './state';
import { setPhase } from './tally';
import { addStopTimers } from './timer';

/**
 * Nothing new starts in it and what runs is to be cancelled. The first stop of a scope is the one that counts: a scope
 * that failed on its own ends as failed, even if what is around it is stopped while it waits for its last attempts.
 */
export function stop(state: RunState, container: Scope | Collection, order: Stop): void {
  if (stopAll(state, container, order)) addStopTimers(state, container);
}

function stopAll(state: RunState, container: Scope | Collection, order: Stop): boolean {
  if (container.stop !== null) return false;
  container.stop = order;
  const begun = container.type === 'scope' ? container.instances : container.elements;
  let seen = 0;
  for (const instance of begun) {
    if (instance === undefined) continue;
    seen++;
    if (isEnded(instance.phase) || isOutstanding(instance.phase)) continue;
    if (instance.inner !== null) stopInner(state, instance, order);
    else dropUnbegun(state, instance, order.since);
  }
  const planned = container.type === 'scope' ? container.plan.entries.length : container.count;
  state.counts.cancelled += planned - seen;
  if (container === state.main) state.status = order.cause === null ? 'cancelling' : 'failing';
  return true;
}

/** What is open inside a stopped scope ends by an event of its own, at once when nothing in it runs. */
function stopInner(state: RunState, instance: Instance, order: Stop): void {
  const { inner } = instance;
  if (inner === null || !stopAll(state, inner, { ...order, cause: null })) return;
  if (inner.active === 0) state.unsettled.push(instance);
}

/** It never began, so its scope's end says all there is to say. */
function dropUnbegun(state: RunState, instance: Instance, at: number): void {
  setPhase(state, instance, 'cancelled');
  instance.endedAt = at;
  state.counts.cancelled++;
}
