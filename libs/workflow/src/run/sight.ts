import type { JsonValue } from '@ryax/contracts';
import type { PlanEntry } from '../definition/plan';
import { instanceIn } from './names';
import { isEnded } from './phase';
import type { Collection, Instance, RunState, Scope } from './state';

/**
 * What an expression sees depends on where it stands: the entries of its own scope and of those around it, and the
 * innermost element that it belongs to.
 */
export interface Viewpoint {
  readonly scope: Scope;
  /** The element whose inputs these are, for an entry with a `for_each` of its own. */
  readonly element: Instance | null;
}

export function viewpointOf(instance: Instance): Viewpoint {
  const { parent } = instance;
  return parent.type === 'scope' ? { scope: parent, element: null } : { scope: scopeAround(parent), element: instance };
}

/** The scope in which a collection stands: an instance with elements is never itself an element. */
function scopeAround(collection: Collection): Scope {
  const { parent } = collection.owner;
  return parent.type === 'scope' ? parent : scopeAround(parent);
}

/** How an entry ended; null while it has not, `cancelled` when it never will. */
export function stateOf(state: RunState, id: string, from: Scope): JsonValue {
  const entry = state.plan.entryById.get(id);
  const scope = entry === undefined ? null : scopeOf(entry, from, state);
  if (entry === undefined || scope === null) return null;
  const phase = instanceIn(state, scope, entry.number)?.phase;
  if (phase !== undefined && isEnded(phase)) return phase;
  return scope.stop === null ? null : 'cancelled';
}

export function instanceInSight(state: RunState, id: string, from: Scope): Instance | undefined {
  const entry = state.plan.entryById.get(id);
  const scope = entry === undefined ? null : scopeOf(entry, from, state);
  return entry === undefined || scope === null ? undefined : instanceIn(state, scope, entry.number);
}

/** The scope, from here outwards, that an entry belongs to. */
function scopeOf(entry: PlanEntry, from: Scope, state: RunState): Scope | null {
  for (let scope: Scope | null = from; scope !== null; scope = outerScope(scope, state)) {
    const group = scope.owner?.entry.number ?? null;
    if (group === entry.parent && (scope.kind === 'finally') === entry.inFinally) return scope;
  }
  return null;
}

/** `finally` sees what `main` has done. */
function outerScope(scope: Scope, state: RunState): Scope | null {
  if (scope.owner !== null) return viewpointOf(scope.owner).scope;
  return scope.kind === 'finally' ? state.main : null;
}

export function elementAround(at: Viewpoint): Instance | null {
  if (at.element !== null) return at.element;
  for (let owner = at.scope.owner; owner !== null; owner = viewpointOf(owner).scope.owner) {
    if (owner.index >= 0) return owner;
  }
  return null;
}
