interface Cell<Value> {
  value: Value | undefined;
}

/**
 * A Map for what comes and goes by the thousand: deleting an entry empties it.
 *
 * V8's Map moves to a new table every so often, and its old table keeps a reference to the new one. The first old table that has outlived
 * two collections of young objects is collected only with the whole heap; until then it keeps alive the next one, that the one after,
 * and each of them what was in it when it was left. So nearly all that passes through such a Map is copied twice and
 * promoted, although nobody uses it any more. With emptied entries old tables lead to nothing but keys: docs/performance.md has figures.
 */
export class TransientMap<Key, Value extends object> {
  private cells = new Map<Key, Cell<Value>>();

  get size(): number {
    return this.cells.size;
  }

  has(key: Key): boolean {
    return this.cells.has(key);
  }

  get(key: Key): Value | undefined {
    return this.cells.get(key)?.value;
  }

  /** A key that is there keeps its place in the order. */
  set(key: Key, value: Value): void {
    const cell = this.cells.get(key);
    if (cell === undefined) this.cells.set(key, { value });
    else cell.value = value;
  }

  /** Answers what was there. */
  delete(key: Key): Value | undefined {
    const cell = this.cells.get(key);
    if (cell === undefined) return undefined;
    const { value } = cell;
    cell.value = undefined;
    this.cells.delete(key);
    return value;
  }

  clear(): void {
    for (const cell of this.cells.values()) cell.value = undefined;
    this.cells = new Map();
  }

  /** In the order in which they were added, as are values and entries. Entries may be deleted meanwhile. */
  keys(): IterableIterator<Key> {
    return this.cells.keys();
  }

  *values(): Generator<Value, void> {
    for (const { value } of this.cells.values()) if (value !== undefined) yield value;
  }

  *[Symbol.iterator](): Generator<[Key, Value], void> {
    for (const [key, { value }] of this.cells) if (value !== undefined) yield [key, value];
  }
}
