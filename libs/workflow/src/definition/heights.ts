import type { Plan, PlanEntry } from './plan';

/** By entry number: how much lies on the longest path that begins with the entry. */
export type Heights = ArrayLike<number>;

/** What the height of entries follows from; all by entry number. */
export interface HeightSource {
  readonly count: number;
  readonly dependents: (entry: number) => readonly number[];
  /** A group's content, in a topological order; null for an action. */
  readonly content: (entry: number) => readonly number[] | null;
  /** What an action counts for. */
  readonly weight: (entry: number) => number;
}

/** Where it is not known how long actions take, their number has to do. */
export const eachIsOne = () => 1;

/**
 * By entry number: what the actions count for, in all, on the longest path that begins with it and goes on to the end of
 * its scope and of the scopes around it. A group has the height of the highest in it, however many elements walk through
 * it. Linear.
 *
 * @param scopes the top level and `finally`, each in a topological order: neither counts for the other
 */
export function heightsOf(source: HeightSource, scopes: readonly (readonly number[])[]): Heights {
  const heights = new Float64Array(source.count);
  for (const scope of scopes) climb(source, scope, 0, heights);
  return heights;
}

/** The heights of a compiled definition's entries when actions do not all count the same. */
export function weighedHeights(plan: Plan, weightOf: (entry: PlanEntry) => number): Heights {
  const { entries, main, finally: last } = plan;
  const source: HeightSource = {
    count: entries.length,
    dependents: (number) => entries[number]?.dependents ?? [],
    content: (number) => entries[number]?.content?.entries ?? null,
    weight: (number) => {
      const entry = entries[number];
      return entry === undefined ? 0 : weightOf(entry);
    },
  };
  return heightsOf(source, [main.entries, last.entries]);
}

/** @param beyond what follows the scope as a whole */
function climb(source: HeightSource, scope: readonly number[], beyond: number, heights: Float64Array): number {
  let highest = beyond;
  for (let position = scope.length - 1; position >= 0; position--) {
    const number = scope[position] ?? 0;
    let above = beyond;
    for (const dependent of source.dependents(number)) above = Math.max(above, heights[dependent] ?? 0);
    const content = source.content(number);
    const height = content === null ? above + source.weight(number) : climb(source, content, above, heights);
    heights[number] = height;
    highest = Math.max(highest, height);
  }
  return highest;
}
