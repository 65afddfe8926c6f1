import type { Failure } from '@ryax/contracts';
import { isReachable } from './collections';
import { instanceIn, nameOf } from './names';
import { isActive, type EndPhase } from './phase';
import {
  isCollection,
  isCollectionDone,
  isExecution,
  isGroup,
  isScopeDone,
  newCollection,
  newInstance,
  newScope,
  type Cause,
  type Collection,
  type Instance,
  type RunState,
  type Scope,
  type StopReason,
} from './state';
import { stop } from './stopping';
import { countInstance, setPhase } from './tally';
import { addFinallyTimer, addGroupTimer } from './timer';

/**
 * How a run moves on: everything that follows from an event by the plan's structure alone, without looking at a value.
 * Called by `evolve` only. Whatever needs an expression, or an event of its own, is put on `unsettled` for `decide`.
 *
 * Cost: what an instance's end touches are its direct dependents and, in a collection, the elements that its end lets
 * in. Stopping a scope looks once at everything that was begun in it.
 */

/** Begins a walk through a scope. */
export function enter(state: RunState, scope: Scope, at: number): void {
  for (const number of scope.plan.roots) {
    const instance = instanceOf(state, scope, number);
    if (instance !== undefined) arrive(state, instance, at);
  }
}

/** The scope's instance of an entry, made if nothing happened to it before. */
function instanceOf(state: RunState, scope: Scope, number: number): Instance | undefined {
  const known = instanceIn(state, scope, number);
  const entry = state.plan.entries[number];
  const position = state.layout.positions[number];
  if (known !== undefined || entry === undefined || position === undefined) return known;
  const created = countInstance(state, newInstance(entry, scope, -1));
  scope.instances[position] = created;
  return created;
}

/** All its dependencies have ended. */
function arrive(state: RunState, instance: Instance, at: number): void {
  if (instance.entry.when === null && emptyUpstream(state, instance) === undefined) return proceed(state, instance, at);
  setPhase(state, instance, 'deciding');
  state.unsettled.push(instance);
}

/**
 * The dependency that keeps this instance from having a required input: it was skipped, or failed under
 * `on_failure: continue` and so has nothing to give either. (A collection has: its list, with null for what failed.)
 */
export function emptyUpstream(state: RunState, instance: Instance): Instance | undefined {
  if (instance.parent.type === 'collection') return undefined;
  for (const number of instance.entry.skipsWith) {
    const upstream = instanceIn(state, instance.parent, number);
    if (upstream !== undefined && upstream.phase !== 'succeeded' && upstream.inner?.type !== 'collection')
      return upstream;
  }
  return undefined;
}

/** Nothing holds it back but room, or what is inside it. */
export function proceed(state: RunState, instance: Instance, at: number): void {
  instance.readyAt = at;
  if (isCollection(instance)) {
    setPhase(state, instance, 'opening');
    state.unsettled.push(instance);
  } else if (isGroup(instance)) {
    openGroup(state, instance, at);
  } else {
    instance.turn = state.turns++;
    setPhase(state, instance, 'ready');
  }
}

function openGroup(state: RunState, group: Instance, at: number): void {
  const { content } = group.entry;
  if (content === null) return;
  const scope = newScope(content, 'group', group);
  group.inner = scope;
  group.startedAt = at;
  setPhase(state, group, 'open');
  group.parent.active++;
  addGroupTimer(state, group);
  enter(state, scope, at);
}

export function openCollection(state: RunState, owner: Instance, count: number, at: number): void {
  const collection = newCollection(owner, count);
  owner.inner = collection;
  owner.startedAt = at;
  setPhase(state, owner, 'open');
  owner.parent.active++;
  openElements(state, collection, at);
  if (isCollectionDone(collection)) state.unsettled.push(owner);
}

/** As many elements as the window has room for. */
function openElements(state: RunState, collection: Collection, at: number): void {
  const { elements, count, owner } = collection;
  const concurrency = owner.entry.forEach?.concurrency ?? 1;
  while (elements.length < count && elements.length - collection.ended < concurrency) {
    const element = countInstance(state, newInstance(owner.entry, collection, elements.length));
    element.waitingFor = 0;
    elements.push(element);
    proceed(state, element, at);
  }
}

/** Ends an instance and moves on what is around it. `cause` says why it failed. */
export function endInstance(
  state: RunState,
  instance: Instance,
  phase: EndPhase,
  at: number,
  cause: Cause | null,
): void {
  const { parent } = instance;
  if (isActive(instance.phase)) parent.active--;
  state.outstanding.delete(instance);
  setPhase(state, instance, phase);
  instance.endedAt = at;
  parent.ended++;
  if (isExecution(instance) || instance.inner === null) state.counts[phase]++;
  if (parent.type === 'scope') advanceScope(state, parent, instance, at, cause);
  else advanceCollection(state, parent, phase, at, cause);
}

function advanceScope(state: RunState, scope: Scope, ended: Instance, at: number, cause: Cause | null): void {
  if (ended.phase === 'failed' && ended.entry.onFailure === 'fail') failScope(state, scope, at, cause);
  if (scope.stop === null) {
    for (const number of ended.entry.dependents) {
      const dependent = instanceOf(state, scope, number);
      if (dependent !== undefined && --dependent.waitingFor === 0) arrive(state, dependent, at);
    }
  }
  if (isScopeDone(scope)) scopeDone(state, scope, at);
}

/** Clean-up steps do not depend on each other's success: `finally` goes on, and the run remembers. */
function failScope(state: RunState, scope: Scope, at: number, cause: Cause | null): void {
  if (scope.kind === 'finally') state.finallyCause ??= cause;
  else stop(state, scope, { reason: scope.kind === 'main' ? 'run-failed' : 'scope-failed', since: at, cause });
}

function advanceCollection(
  state: RunState,
  collection: Collection,
  phase: EndPhase,
  at: number,
  cause: Cause | null,
): void {
  collection.endedAs[phase]++;
  collection.firstFailure ??= cause;
  if (!isReachable(collection)) {
    stop(state, collection, { reason: 'scope-failed', since: at, cause: collection.firstFailure });
  }
  if (collection.stop === null) openElements(state, collection, at);
  if (isCollectionDone(collection)) state.unsettled.push(collection.owner);
}

/** The run is to stop, by its caller or its time limit: `main` if it has not ended, otherwise `finally`. */
export function stopRun(state: RunState, reason: StopReason, at: number): void {
  const scope = state.mainEndedAt === null ? state.main : state.finally;
  stop(state, scope, { reason, since: at, cause: null });
  if (isScopeDone(scope)) scopeDone(state, scope, at);
}

/** Nothing in the scope runs any more. A group that has its verdict ends by that; others await an event. */
function scopeDone(state: RunState, scope: Scope, at: number): void {
  const { owner } = scope;
  if (scope.kind === 'main') return mainDone(state, at);
  if (owner === null) return;
  if (owner.failure === null) state.unsettled.push(owner);
  else endInstance(state, owner, 'failed', at, scope.stop?.cause ?? null);
}

function mainDone(state: RunState, at: number): void {
  state.mainEndedAt = at;
  if (state.forced) return stop(state, state.finally, { reason: 'run-cancelled', since: at, cause: null });
  if (state.finally.plan.entries.length === 0) return;
  state.status = 'finalizing';
  addFinallyTimer(state);
  enter(state, state.finally, at);
}

/** A group whose time is up or whose outputs cannot be made: its verdict stands, its end waits for what runs in it. */
export function failGroup(state: RunState, group: Instance, failure: Failure, at: number): void {
  const scope = group.inner;
  if (scope?.type !== 'scope') return;
  const cause = scope.stop?.cause ?? { execution: nameOf(group), failure };
  group.failure = failure;
  if (isScopeDone(scope)) return endInstance(state, group, 'failed', at, cause);
  stop(state, scope, { reason: 'group-timeout', since: at, cause });
  if (isScopeDone(scope)) endInstance(state, group, 'failed', at, cause);
}
