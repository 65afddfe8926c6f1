import type { Failure } from '@ryax/contracts';
import type { PlanEntry } from '../definition/plan';
import type { Pool } from '../placement';
import { nameOf } from './names';
import type { ExecutionStatus } from './run-aggregate';
import { isCollection, type Collection, type Instance, type RunState, type Scope } from './state';
import { optionalTimestamp, statusOf, unbegunStatus } from './status';
import { reasonOf } from './wait-reason';

/** An action's execution, a group's instance or a collection: what an execution name may name. */
export interface ExecutionView {
  readonly execution: string;
  readonly action: string;
  readonly kind: 'execution' | 'group' | 'collection';
  readonly state: ExecutionStatus;
  /** Attempts handed out so far. */
  readonly attempts: number;
  /** Where the newest attempt was handed out to. */
  readonly site: string | null;
  readonly pool: string | null;
  readonly executor: string | null;
  readonly ready_at: string | null;
  /** Of the newest attempt: handed out, seen running (as far as is known), ended. */
  readonly scheduled_at: string | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly retry_at: string | null;
  /** Of what is ready: what it waits for to be handed out. */
  readonly waiting_for: string | null;
  readonly failure: Failure | null;
}

export interface ExecutionPage {
  /** In the definition's order, elements by their index, what is inside right after what it is inside of. */
  readonly executions: readonly ExecutionView[];
  /** Where the next page begins; null at the end. */
  readonly next_cursor: string | null;
}

export interface ExecutionPageRequest {
  /** As given by the page before. */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  /** Those that live, where they are known: why what is ready has not started is told by them. */
  readonly pools?: readonly Pool[] | undefined;
}

const DEFAULT_LIMIT = 100;

/** Costs what it shows, wherever in the run the page begins. */
export function executionPage(
  state: RunState,
  { cursor, limit = DEFAULT_LIMIT, pools }: ExecutionPageRequest,
): ExecutionPage {
  const executions: ExecutionView[] = [];
  let next: string | null = null;
  for (const { path, view } of walk(state, parseCursor(cursor))) {
    if (executions.length === limit) {
      next = path.join('.');
      break;
    }
    executions.push(view({ state, pools }));
  }
  return { executions, next_cursor: next };
}

/** A place in the tree: which scope, then in turn the position in it or the index of an element. */
type TreePath = readonly number[];

interface Place {
  readonly path: TreePath;
  readonly view: (viewing: Viewing) => ExecutionView;
}

interface Viewing {
  readonly state: RunState;
  readonly pools: readonly Pool[] | undefined;
}

function parseCursor(cursor: string | undefined): TreePath {
  return cursor !== undefined && /^\d{1,9}(\.\d{1,9})*$/.test(cursor) ? cursor.split('.').map(Number) : [];
}

function* walk(state: RunState, from: TreePath): Generator<Place> {
  const [first = 0, ...rest] = from;
  const scopes = [state.main, state.finally];
  for (let index = first; index < scopes.length; index++) {
    const scope = scopes[index];
    if (scope !== undefined) yield* walkScope(state, scope, [index], index === first ? rest : []);
  }
}

function* walkScope(state: RunState, scope: Scope, path: TreePath, from: TreePath): Generator<Place> {
  const [first = 0, ...rest] = from;
  for (let position = first; position < scope.plan.entries.length; position++) {
    const entry = state.plan.entries[scope.plan.entries[position] ?? -1];
    if (entry === undefined) continue;
    const instance = scope.instances[position];
    const here = [...path, position];
    if (instance === undefined) yield { path: here, view: () => unbegunView(scope, entry) };
    else yield* walkInstance(state, instance, here, position === first ? rest : []);
  }
}

function* walkCollection(state: RunState, { elements }: Collection, path: TreePath, from: TreePath): Generator<Place> {
  const [first = 0, ...rest] = from;
  for (let index = first; index < elements.length; index++) {
    const element = elements[index];
    if (element !== undefined) yield* walkInstance(state, element, [...path, index], index === first ? rest : []);
  }
}

function* walkInstance(state: RunState, instance: Instance, path: TreePath, from: TreePath): Generator<Place> {
  if (from.length === 0) yield { path, view: (viewing) => executionView(viewing, instance) };
  if (instance.inner?.type === 'scope') yield* walkScope(state, instance.inner, path, from);
  else if (instance.inner !== null) yield* walkCollection(state, instance.inner, path, from);
}

function executionView({ state, pools }: Viewing, instance: Instance): ExecutionView {
  return {
    execution: nameOf(instance),
    action: instance.entry.id,
    kind: kindOf(instance),
    state: statusOf(instance),
    attempts: instance.attempt,
    site: instance.site === '' ? null : instance.site,
    pool: instance.pool === '' ? null : instance.pool,
    executor: instance.executor,
    ready_at: optionalTimestamp(instance.readyAt),
    scheduled_at: optionalTimestamp(instance.scheduledAt),
    started_at: optionalTimestamp(instance.startedAt),
    ended_at: optionalTimestamp(instance.endedAt),
    retry_at: instance.phase === 'retrying' ? optionalTimestamp(instance.readyAt) : null,
    waiting_for: instance.phase === 'ready' ? reasonOf(state, instance, pools).message : null,
    failure: instance.failure,
  };
}

function kindOf(instance: Instance): ExecutionView['kind'] {
  if (isCollection(instance)) return 'collection';
  return instance.entry.kind === 'group' ? 'group' : 'execution';
}

function unbegunView(scope: Scope, entry: PlanEntry): ExecutionView {
  const { owner } = scope;
  const indexes = owner === null ? '' : nameOf(owner).slice(owner.entry.id.length);
  return {
    execution: entry.id + indexes,
    action: entry.id,
    kind: entry.forEach !== null ? 'collection' : entry.kind === 'group' ? 'group' : 'execution',
    state: unbegunStatus(scope),
    attempts: 0,
    site: null,
    pool: null,
    executor: null,
    ready_at: null,
    scheduled_at: null,
    started_at: null,
    ended_at: null,
    retry_at: null,
    waiting_for: null,
    failure: null,
  };
}
