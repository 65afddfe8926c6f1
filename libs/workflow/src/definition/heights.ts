/** What the height of entries follows from; all by entry number. */
export interface HeightSource {
  readonly count: number;
  readonly dependents: (entry: number) => readonly number[];
  /** A group's content, in a topological order; null for an action. */
  readonly content: (entry: number) => readonly number[] | null;
}

/**
 * By entry number: how many actions are on the longest path that begins with it and goes on to the end of its scope and
 * of the scopes around it. A group has the height of the highest in it, however many elements walk through it. Linear.
 *
 * @param scopes the top level and `finally`, each in a topological order: neither counts for the other
 */
export function heightsOf(source: HeightSource, scopes: readonly (readonly number[])[]): Int32Array {
  const heights = new Int32Array(source.count);
  for (const scope of scopes) climb(source, scope, 0, heights);
  return heights;
}

/** @param beyond what follows the scope as a whole */
function climb(source: HeightSource, scope: readonly number[], beyond: number, heights: Int32Array): number {
  let highest = beyond;
  for (let position = scope.length - 1; position >= 0; position--) {
    const number = scope[position] ?? 0;
    let above = beyond;
    for (const dependent of source.dependents(number)) above = Math.max(above, heights[dependent] ?? 0);
    const content = source.content(number);
    const height = content === null ? above + 1 : climb(source, content, above, heights);
    heights[number] = height;
    highest = Math.max(highest, height);
  }
  return highest;
}
