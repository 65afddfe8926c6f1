import { fittingPools, lacksOf, nameOfPool, placeText, type Demand, type Pool } from '../placement';
import { demandOf, readyCount } from './lanes';
import { lineage } from './layout';
import { findInstance, instanceIn, nameOf, parseName, type ExecutionName } from './names';
import { isEnded, isOutstanding } from './phase';
import type { WaitReason } from './run-aggregate';
import { isCollection, type Instance, type RunState, type Scope } from './state';
import { timestamp } from './status';

/**
 * Why an execution has not started (or ended), by what holds it: what it waits for, since when, and so what would
 * release it. Undefined for what is none of this plan's.
 *
 * @param pools that live, where they are known
 */
export function waitReason(state: RunState, execution: string, pools?: readonly Pool[]): WaitReason | undefined {
  const name = parseName(state, execution);
  if (name === undefined) return undefined;
  const instance = findInstance(state, execution);
  return instance === undefined ? reasonBeforeBegin(state, name, execution) : reasonOf(state, instance, pools);
}

/** The same for one to which something has happened. */
export function reasonOf(state: RunState, instance: Instance, pools?: readonly Pool[]): WaitReason {
  const { phase, parent, readyAt, scheduledAt } = instance;
  if (parent.stop !== null && isOutstanding(phase)) {
    return reason('cancelling', 'is being stopped', parent.stop.since);
  }
  switch (phase) {
    case 'waiting':
      return parent.type === 'scope'
        ? waitsForDependencies(state, instance, parent)
        : reason('nothing', 'is about to begin', null);
    case 'deciding':
    case 'opening':
      return reason('value', 'its condition or list needs a value that is being loaded', readyAt ?? state.updatedAt);
    case 'ready':
      return waitsForRoom(state, instance, pools);
    case 'retrying':
      return waitsForRetry(instance);
    case 'scheduled':
      return reason('nothing', `attempt ${instance.attempt} was handed out`, scheduledAt);
    case 'started':
      return reason('nothing', `attempt ${instance.attempt} is running`, instance.startedAt);
    case 'open':
      return reason('nothing', 'what is in it runs', instance.startedAt);
    default:
      return reason('nothing', `has ended: ${phase}`, instance.endedAt);
  }
}

function waitsForRoom(state: RunState, instance: Instance, pools: readonly Pool[] | undefined): WaitReason {
  const demand = demandOf(instance);
  const others = readyCount(state.lanes, demand) - 1;
  const along = others === 0 ? '' : `, with ${others} more of this run`;
  return reason('capacity', `is ready and waits for ${roomText(demand, pools)}${along}`, instance.readyAt);
}

function roomText(demand: Demand, pools: readonly Pool[] | undefined): string {
  const text = placeText(demand.lane);
  if (pools === undefined) return text;
  const fitting = fittingPools(demand, pools);
  if (fitting.length > 0) return `${text} in ${fitting.map(nameOfPool).join(' or ')}`;
  const lacks = pools.length === 0 ? 'none is known' : lacksOf(demand, pools);
  return `${text}, and no pool can run it: ${lacks}`;
}

function waitsForRetry(instance: Instance): WaitReason {
  const at = instance.readyAt === null ? '' : ` at ${timestamp(instance.readyAt)}`;
  const after = instance.failure === null ? '' : ` after: ${instance.failure.message}`;
  return reason('retry', `attempt ${instance.attempt + 1} is due${at}${after}`, instance.scheduledAt);
}

function waitsForDependencies(state: RunState, instance: Instance, scope: Scope): WaitReason {
  const open = instance.entry.dependencies.filter((number) => {
    const dependency = instanceIn(state, scope, number);
    return dependency === undefined || !isEnded(dependency.phase);
  });
  return dependencies(open.map((number) => siblingName(state, scope, number)));
}

/** Nothing happened to it yet: the innermost thing around it that has begun, or has not, says why. */
function reasonBeforeBegin(
  state: RunState,
  { entry, indexes }: ExecutionName,
  execution: string,
): WaitReason | undefined {
  if (indexes.length > entry.depth || indexes.length < entry.depth - (entry.forEach === null ? 0 : 1)) return undefined;
  let scope = entry.inFinally ? state.finally : state.main;
  const rest = [...indexes];
  for (const each of lineage(state.plan, entry)) {
    const instance = instanceIn(state, scope, each.number);
    if (instance === undefined) return reasonInScope(state, scope, each.number);
    if (isEnded(instance.phase))
      return reason('nothing', `will not begin: ${nameOf(instance)} has ended`, instance.endedAt);
    let inside = instance;
    if (isCollection(instance)) {
      const index = rest.shift();
      const element = instance.inner?.type === 'collection' ? instance.inner.elements[index ?? -1] : undefined;
      if (element === undefined) return reasonOutsideWindow(state, instance, index, execution);
      inside = element;
    }
    if (inside.inner?.type !== 'scope') return reasonOf(state, inside);
    scope = inside.inner;
  }
  return undefined;
}

function reasonInScope(state: RunState, scope: Scope, number: number): WaitReason {
  if (scope.stop !== null) return reason('nothing', 'will not begin: nothing new starts there', scope.stop.since);
  if (scope.kind === 'finally' && state.mainEndedAt === null) {
    return reason('dependencies', 'is run once everything else has ended', null);
  }
  const waiting = state.plan.entries[number]?.dependencies ?? [];
  return dependencies(waiting.map((each) => siblingName(state, scope, each)));
}

function reasonOutsideWindow(
  state: RunState,
  owner: Instance,
  index: number | undefined,
  execution: string,
): WaitReason | undefined {
  const { inner } = owner;
  if (inner?.type !== 'collection') return reasonOf(state, owner);
  if (index === undefined || index >= inner.count) return undefined;
  if (inner.stop !== null)
    return reason('nothing', `${execution} will not begin: ${nameOf(owner)} is being stopped`, inner.stop.since);
  const concurrency = owner.entry.forEach?.concurrency ?? 1;
  const before = index - inner.elements.length;
  return reason(
    'window',
    `${concurrency} elements of ${nameOf(owner)} may be open at once; ${before} are before it`,
    owner.startedAt,
  );
}

/** An entry of the same scope instance has the same indexes, whether or not it has begun. */
function siblingName(state: RunState, scope: Scope, number: number): string {
  const id = state.plan.entries[number]?.id ?? '';
  if (scope.owner === null) return id;
  return id + nameOf(scope.owner).slice(scope.owner.entry.id.length);
}

function dependencies(names: readonly string[]): WaitReason {
  return { type: 'dependencies', message: `waits for ${names.join(', ')}`, since: null, waitsFor: names };
}

function reason(type: WaitReason['type'], message: string, since: number | null): WaitReason {
  return { type, message, since, waitsFor: [] };
}
