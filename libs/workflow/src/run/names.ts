import type { PlanEntry } from '../definition/plan';
import { lineage } from './layout';
import { isCollection, type Instance, type RunState, type Scope } from './state';

/**
 * An execution's name is its action's id and one index for each `for_each` around it: `split`, `fit.7`, `clean.7.2`. A
 * collection is named by its id and the indexes around it, so that `clean.7` may be element 7 or, one level deeper, the
 * collection inside it: the number of indexes tells.
 */
export function nameOf(instance: Instance): string {
  let name = '';
  for (let at: Instance | null = instance; at !== null; at = at.parent.owner) {
    if (at.index >= 0) name = `.${at.index}${name}`;
  }
  return instance.entry.id + name;
}

export interface ExecutionName {
  readonly entry: PlanEntry;
  readonly indexes: readonly number[];
}

/** Of a name without indexes: it is looked up several times for each step. */
const noIndexes: readonly number[] = [];

/** What a name says, if it can name anything of this plan. */
export function parseName(state: RunState, name: string): ExecutionName | undefined {
  const plain = state.plan.entryById.get(name);
  if (plain !== undefined) return { entry: plain, indexes: noIndexes };
  const [id = '', ...rest] = name.split('.');
  const entry = state.plan.entryById.get(id);
  const indexes = rest.map((index) => (/^(0|[1-9]\d{0,8})$/.test(index) ? Number(index) : -1));
  return entry === undefined || indexes.includes(-1) ? undefined : { entry, indexes };
}

/** The instance of this name; undefined when there is none (yet). */
export function findInstance(state: RunState, name: string): Instance | undefined {
  const parsed = parseName(state, name);
  if (parsed === undefined) return undefined;
  let scope: Scope = parsed.entry.inFinally ? state.finally : state.main;
  if (parsed.entry.parent === null && parsed.indexes.length === 0) return instanceIn(state, scope, parsed.entry.number);
  const indexes = [...parsed.indexes];
  for (const entry of lineage(state.plan, parsed.entry)) {
    let instance = instanceIn(state, scope, entry.number);
    if (instance !== undefined && isCollection(instance) && indexes.length > 0) {
      instance = instance.inner?.type === 'collection' ? instance.inner.elements[indexes.shift() ?? 0] : undefined;
    }
    if (instance === undefined || entry === parsed.entry) return indexes.length === 0 ? instance : undefined;
    if (instance.inner?.type !== 'scope') return undefined;
    scope = instance.inner;
  }
  return undefined;
}

export function instanceIn(state: RunState, scope: Scope, entryNumber: number): Instance | undefined {
  return scope.instances[state.layout.positions[entryNumber] ?? -1];
}
