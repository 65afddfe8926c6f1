import type { Failure } from '@ryax/contracts';
import type { Heights } from '../definition/heights';
import type { Plan } from '../definition/plan';
import { isOutstanding, phases, type Phase } from './phase';
import { isCollectionDone, isGroup, isScopeDone, newCollection, newInstance, newRun, newScope } from './state';
import type { Cause, Collection, Counts, Instance, RunState, Scope, Stop } from './state';
import type { ShortMemory } from './memory-growth';
import type { StoredValue } from './stored-value';
import { countInstance, setPhase } from './tally';
import { addFinallyTimer, addGroupTimer, addRunTimer, addStopTimers } from './timer';

/**
 * A run's state as JSON, so that a long stream need not be folded from its beginning. Only what the log says is
 * written; queues, timers and tallies are made anew from it.
 *
 * Raise the number with every change of what `evolve` makes of the same events, or of this shape: a snapshot that was
 * stored under another number is ignored and the stream folded instead.
 */
export const RUN_STATE_SCHEMA = 5;

export interface RunSnapshot extends Pick<RunState, SnapshotField> {
  readonly main: ScopeSnapshot;
  readonly finally: ScopeSnapshot;
}

type SnapshotField =
  | 'version'
  | 'updatedAt'
  | 'start'
  | 'status'
  | 'mainEndedAt'
  | 'cancel'
  | 'forced'
  | 'finallyCause'
  | 'end'
  | 'counts'
  | 'turns';

interface ScopeSnapshot {
  readonly ended: number;
  readonly active: number;
  readonly stop: Stop | null;
  /** Position and instance, for those that something happened to. */
  readonly instances: readonly (readonly [position: number, instance: InstanceSnapshot])[];
}

interface CollectionSnapshot {
  readonly count: number;
  readonly ended: number;
  readonly endedAs: Counts;
  readonly active: number;
  readonly stop: Stop | null;
  readonly firstFailure: Cause | null;
  readonly elements: readonly InstanceSnapshot[];
}

/** In the order of {@link instanceSnapshot}; a tuple, since there may be 100,000 of them. */
type InstanceSnapshot = readonly [
  phase: number,
  waitingFor: number,
  attempt: number,
  site: string,
  pool: string,
  executor: string | null,
  userRetries: number,
  infrastructureRetries: number,
  imageRetries: number,
  turn: number,
  readyAt: number | null,
  scheduledAt: number | null,
  startedAt: number | null,
  endedAt: number | null,
  outputs: StoredValue,
  failure: Failure | null,
  shortMemory: ShortMemory | null,
  scope: ScopeSnapshot | null,
  collection: CollectionSnapshot | null,
];

export function snapshot(state: RunState): RunSnapshot {
  const { version, updatedAt, start, status, mainEndedAt, cancel, forced, finallyCause, end, counts, turns } = state;
  const facts = { version, updatedAt, start, status, mainEndedAt, cancel, forced, finallyCause, end, counts, turns };
  return { ...facts, main: scopeSnapshot(state.main), finally: scopeSnapshot(state.finally) };
}

function scopeSnapshot({ ended, active, stop, instances }: Scope): ScopeSnapshot {
  const begun: [number, InstanceSnapshot][] = [];
  instances.forEach((instance, position) => {
    if (instance !== undefined) begun.push([position, instanceSnapshot(instance)]);
  });
  return { ended, active, stop, instances: begun };
}

function collectionSnapshot(collection: Collection): CollectionSnapshot {
  const { count, ended, endedAs, active, stop, firstFailure, elements } = collection;
  return { count, ended, endedAs, active, stop, firstFailure, elements: elements.map(instanceSnapshot) };
}

function instanceSnapshot(instance: Instance): InstanceSnapshot {
  const { inner } = instance;
  return [
    phases.indexOf(instance.phase),
    instance.waitingFor,
    instance.attempt,
    instance.site,
    instance.pool,
    instance.executor,
    instance.userRetries,
    instance.infrastructureRetries,
    instance.imageRetries,
    instance.turn,
    instance.readyAt,
    instance.scheduledAt,
    instance.startedAt,
    instance.endedAt,
    instance.outputs,
    instance.failure,
    instance.shortMemory,
    inner?.type === 'scope' ? scopeSnapshot(inner) : null,
    inner?.type === 'collection' ? collectionSnapshot(inner) : null,
  ];
}

/** The state that the snapshot was made of. It takes the snapshot over: nothing else may change it afterwards. */
export function restore(plan: Plan, { main, finally: last, ...facts }: RunSnapshot, heights?: Heights): RunState {
  const state = Object.assign(newRun(plan, heights), facts);
  const restoring: Restoring = { state, outstanding: [] };
  restoreScope(restoring, state.main, main);
  restoreScope(restoring, state.finally, last);
  restoreIndexes(restoring);
  return state;
}

interface Restoring {
  readonly state: RunState;
  readonly outstanding: Instance[];
}

function restoreScope(restoring: Restoring, scope: Scope, { ended, active, stop, instances }: ScopeSnapshot): void {
  Object.assign(scope, { ended, active, stop });
  addStopTimers(restoring.state, scope);
  for (const [position, snapshot] of instances) {
    const entry = restoring.state.plan.entries[scope.plan.entries[position] ?? -1];
    if (entry === undefined) continue;
    const instance = newInstance(entry, scope, -1);
    scope.instances[position] = instance;
    restoreInstance(restoring, instance, snapshot);
  }
}

function restoreCollection(restoring: Restoring, owner: Instance, snapshot: CollectionSnapshot): Collection {
  const { elements, count, ...facts } = snapshot;
  const collection = Object.assign(newCollection(owner, count), facts);
  addStopTimers(restoring.state, collection);
  elements.forEach((element, index) => {
    const instance = newInstance(owner.entry, collection, index);
    collection.elements.push(instance);
    restoreInstance(restoring, instance, element);
  });
  return collection;
}

function restoreInstance(restoring: Restoring, instance: Instance, snapshot: InstanceSnapshot): void {
  const [phase, waitingFor, attempt, site, pool, executor, userRetries, infrastructureRetries, ...rest] = snapshot;
  const [
    imageRetries,
    turn,
    readyAt,
    scheduledAt,
    startedAt,
    endedAt,
    outputs,
    failure,
    shortMemory,
    scope,
    collection,
  ] = rest;
  Object.assign(instance, { waitingFor, attempt, site, pool, executor, userRetries, infrastructureRetries });
  Object.assign(instance, {
    imageRetries,
    turn,
    readyAt,
    scheduledAt,
    startedAt,
    endedAt,
    outputs,
    failure,
    shortMemory,
  });
  if (scope !== null && instance.entry.content !== null) {
    const inner = newScope(instance.entry.content, 'group', instance);
    instance.inner = inner;
    restoreScope(restoring, inner, scope);
  }
  if (collection !== null) instance.inner = restoreCollection(restoring, instance, collection);
  restorePhase(restoring, instance, phases[phase] ?? 'waiting');
}

function restorePhase({ state, outstanding }: Restoring, instance: Instance, phase: Phase): void {
  countInstance(state, instance);
  setPhase(state, instance, phase);
  if (isOutstanding(phase)) outstanding.push(instance);
  if (phase === 'retrying' && instance.readyAt !== null) {
    state.timers.push({ at: instance.readyAt, type: 'retry', instance });
  }
  if (phase === 'open' && isGroup(instance)) addGroupTimer(state, instance);
  if (isUnsettled(instance)) state.unsettled.push(instance);
}

/** Something about it could not be decided yet when the snapshot was made. */
function isUnsettled({ phase, inner }: Instance): boolean {
  if (phase === 'deciding' || phase === 'opening') return true;
  if (phase !== 'open' || inner === null) return false;
  return inner.type === 'scope' ? isScopeDone(inner) : isCollectionDone(inner);
}

/** Attempts in the order in which they were handed out: by time, and by the definition's order at one time. */
function restoreIndexes({ state, outstanding }: Restoring): void {
  outstanding.sort((a, b) => (a.scheduledAt ?? 0) - (b.scheduledAt ?? 0));
  for (const instance of outstanding) state.outstanding.add(instance);
  addRunTimer(state);
  if (state.status === 'finalizing') addFinallyTimer(state);
}
