import type { Plan, PlanEntry, ScopePlan } from '../definition/plan';

/** Where an entry stands in its scope: what lets a scope's state be an array. */
export interface PlanLayout {
  /** By entry number: its position in the list of its scope's entries. */
  readonly positions: Int32Array;
}

/** Plans are shared by all runs of a definition; so is what is derived from them alone. */
const layouts = new WeakMap<Plan, PlanLayout>();

export function layoutOf(plan: Plan): PlanLayout {
  const known = layouts.get(plan);
  if (known !== undefined) return known;
  const layout = createLayout(plan);
  layouts.set(plan, layout);
  return layout;
}

function createLayout(plan: Plan): PlanLayout {
  const positions = new Int32Array(plan.entries.length);
  const place = (scope: ScopePlan) => {
    scope.entries.forEach((number, position) => (positions[number] = position));
  };
  place(plan.main);
  place(plan.finally);
  for (const entry of plan.entries) if (entry.content !== null) place(entry.content);
  return { positions };
}

/** The entries around an entry, outermost first, itself last. */
export function lineage(plan: Plan, entry: PlanEntry): readonly PlanEntry[] {
  const line = [entry];
  for (let parent = entry.parent; parent !== null;) {
    const group = plan.entries[parent];
    if (group === undefined) break;
    line.unshift(group);
    parent = group.parent;
  }
  return line;
}
