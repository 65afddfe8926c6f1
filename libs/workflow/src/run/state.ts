import type { EventOf, Failure, JsonValue } from '@ryax/contracts';
import type { Heights } from '../definition/heights';
import type { Plan, PlanEntry, ScopePlan } from '../definition/plan';
import { layoutOf, type PlanLayout } from './layout';
import type { ShortMemory } from './memory-growth';
import type { Phase } from './phase';
import { phases } from './phase';
import { createLanes, type Lanes } from './lanes';
import type { RunStatus } from './run-aggregate';
import type { StoredValue } from './stored-value';
import { TimeQueue } from './time-queue';
import type { Timer } from './timer';

/**
 * The state of one run: a tree. A scope (the top level, `finally`, a group's content) has one instance per entry; an
 * instance under `for_each` is a collection, which has one instance per element; an instance of a group has a scope.
 * Instances are made when something first happens to them, so that what never starts costs nothing.
 *
 * `evolve` changes the state in place, since 100,000 executions must not be copied per event: whoever folds a run owns
 * its state alone. Nothing here keeps an event, and values above `limits.stateValueBytes` are kept as the version of
 * the event that holds them.
 */
export interface RunState {
  readonly plan: Plan;
  readonly layout: PlanLayout;
  /** Of the last event applied; 0 before RunStarted. */
  version: number;
  /** When the last event was recorded. */
  updatedAt: number;
  /** Null before RunStarted. */
  start: RunStarted | null;
  status: RunStatus;
  readonly main: Scope;
  readonly finally: Scope;
  /** When everything in `main` had ended; from then on `finally` runs. */
  mainEndedAt: number | null;
  /** The first cancel that changed something; later ones may only add force. */
  cancel: CancelFact | null;
  /** Attempts are killed at once, and `finally` does not run on. */
  forced: boolean;
  /** The first action of `finally` that failed under `on_failure: fail`. */
  finallyCause: Cause | null;
  end: RunEnd | null;
  /** Executions that ended, and those that never will begin; see {@link Counts}. */
  readonly counts: Counts;
  /** Executions that became ready so far, each counted when it first did. */
  turns: number;

  /** Derived from the instances, kept so that nothing has to be searched for. */
  readonly lanes: Lanes;
  readonly outstanding: Set<Instance>;
  readonly timers: TimeQueue<Timer>;
  /** Instances about which `decide` has something to settle; those that moved on since are ignored. */
  unsettled: Instance[];
  /** How many instances of each entry are in each phase: `entry number × phases + phase`. */
  readonly tally: Int32Array;
}

/** The facts of RunStarted that stay in state. */
export interface RunStarted extends Omit<EventOf<'RunStarted'>['data'], 'inputs'> {
  readonly at: number;
  readonly inputs: StoredValue;
}

/**
 * Actions' executions by how they ended. What was planned and never began (an entry of a stopped scope, an element
 * that was not opened, all that is in a skipped group) counts as one each, so that nothing is left out.
 */
export interface Counts {
  succeeded: number;
  failed: number;
  skipped: number;
  cancelled: number;
}

export interface CancelFact {
  readonly reason: string;
  readonly cause: EventOf<'RunCancelRequested'>['data']['cause'];
  readonly requestedBy: string | null;
  readonly at: number;
}

export interface RunEnd {
  readonly at: number;
  readonly failure: Failure | null;
  /** The first cause, where an execution is. */
  readonly execution: string | null;
  readonly results: StoredValue;
}

/** What made a scope fail: the innermost execution that did, and its failure. */
export interface Cause {
  readonly execution: string;
  readonly failure: Failure;
}

export type StopReason = EventOf<'ExecutionCancelled'>['data']['reason'];

/** Nothing new starts, and what runs is being cancelled. */
export interface Stop {
  readonly reason: StopReason;
  readonly since: number;
  /** Null when it is stopped from outside: then it ends as cancelled, not as failed. */
  readonly cause: Cause | null;
}

/** One walk through a DAG. */
export interface Scope {
  readonly type: 'scope';
  readonly plan: ScopePlan;
  readonly kind: 'main' | 'finally' | 'group';
  /** The group's instance; null at the top. */
  readonly owner: Instance | null;
  /** By position in the plan's `entries`; absent until something happens to it. */
  readonly instances: (Instance | undefined)[];
  /** Instances that ended before the scope was stopped, if it was. */
  ended: number;
  /** Instances that keep a stopped scope open. */
  active: number;
  stop: Stop | null;
}

/** The elements of one `for_each`. */
export interface Collection {
  readonly type: 'collection';
  readonly owner: Instance;
  readonly count: number;
  /** By index, as far as they were opened. */
  readonly elements: Instance[];
  /** Elements that ended by an event, in all and by how. */
  ended: number;
  readonly endedAs: Counts;
  active: number;
  stop: Stop | null;
  firstFailure: Cause | null;
  /** The evaluated list, where it is costly to make again. Never part of a snapshot. */
  items: readonly JsonValue[] | null;
  /** What downstream sees of it once closed. Never part of a snapshot. */
  values: JsonValue[] | null;
}

/** One entry at one index path: what an execution name names. */
export interface Instance {
  readonly entry: PlanEntry;
  readonly parent: Scope | Collection;
  /** In its collection; -1 for what stands in a scope. */
  readonly index: number;
  phase: Phase;
  /** Dependencies that have not ended. */
  waitingFor: number;
  /** A group's content, or a collection's elements, once open. */
  inner: Scope | Collection | null;
  outputs: StoredValue;
  /** Of its newest attempt, or its own. */
  failure: Failure | null;
  /** The newest attempt; 0 before the first. */
  attempt: number;
  site: string;
  pool: string;
  executor: string | null;
  /** Retries granted so far, by whose count they go into. */
  userRetries: number;
  infrastructureRetries: number;
  imageRetries: number;
  /** Of its attempts that ran out of memory. */
  shortMemory: ShortMemory | null;
  /** How many executions of the run were ready before it first was: a retry has the place that it had. 0 until then. */
  turn: number;
  /** It stands in its lane's queue, ready or not any more. */
  queued: boolean;
  /** When its next attempt could or can start (for a retry, its time), was last handed out, was seen running, ended. */
  readyAt: number | null;
  scheduledAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
}

/**
 * A run before its first event.
 *
 * @param heights in which order ready work is handed out, where more is known than the plan says: by entry number, and
 * never changed afterwards. Nothing else follows from them
 */
export function newRun(plan: Plan, heights?: Heights): RunState {
  return {
    plan,
    layout: layoutOf(plan),
    version: 0,
    updatedAt: 0,
    start: null,
    status: 'running',
    main: newScope(plan.main, 'main', null),
    finally: newScope(plan.finally, 'finally', null),
    mainEndedAt: null,
    cancel: null,
    forced: false,
    finallyCause: null,
    end: null,
    counts: { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 },
    turns: 0,
    lanes: createLanes(heights),
    outstanding: new Set(),
    timers: new TimeQueue(),
    unsettled: [],
    tally: new Int32Array(plan.entries.length * phases.length),
  };
}

export function newScope(plan: ScopePlan, kind: Scope['kind'], owner: Instance | null): Scope {
  return {
    type: 'scope',
    plan,
    kind,
    owner,
    instances: new Array<Instance | undefined>(plan.entries.length),
    ended: 0,
    active: 0,
    stop: null,
  };
}

export function newCollection(owner: Instance, count: number): Collection {
  return {
    type: 'collection',
    owner,
    count,
    elements: [],
    ended: 0,
    endedAs: { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 },
    active: 0,
    stop: null,
    firstFailure: null,
    items: null,
    values: null,
  };
}

export function newInstance(entry: PlanEntry, parent: Scope | Collection, index: number): Instance {
  return {
    entry,
    parent,
    index,
    phase: 'waiting',
    waitingFor: entry.dependencies.length,
    inner: null,
    outputs: null,
    failure: null,
    attempt: 0,
    site: '',
    pool: '',
    executor: null,
    userRetries: 0,
    infrastructureRetries: 0,
    imageRetries: 0,
    shortMemory: null,
    turn: 0,
    queued: false,
    readyAt: null,
    scheduledAt: null,
    startedAt: null,
    endedAt: null,
  };
}

/** True for the instance that holds the elements, false for an element and for what has no `for_each`. */
export function isCollection(instance: Instance): boolean {
  return instance.entry.forEach !== null && instance.index < 0;
}

export function isGroup(instance: Instance): boolean {
  return instance.entry.kind === 'group' && !isCollection(instance);
}

/** An execution in the narrow sense: what an executor can be handed. */
export function isExecution(instance: Instance): boolean {
  return instance.entry.kind === 'action' && !isCollection(instance);
}

/** A stopped scope is done once nothing in it runs; any other once everything in it has ended. */
export function isScopeDone(scope: Scope): boolean {
  return scope.stop === null ? scope.ended === scope.plan.entries.length : scope.active === 0;
}

export function isCollectionDone(collection: Collection): boolean {
  return collection.stop === null ? collection.ended === collection.count : collection.active === 0;
}

/** Nothing is left but to say how the run ended. */
export function isRunDone(state: RunState): boolean {
  return state.mainEndedAt !== null && isScopeDone(state.finally);
}

export function isOpen(state: RunState): boolean {
  return state.start !== null && state.end === null;
}
