interface Entry<Key, Value> {
  readonly key: Key;
  value: Value | undefined;
  bytes: number;
  older: Entry<Key, Value> | undefined;
  newer: Entry<Key, Value> | undefined;
}

/**
 * Least recently used entries go first, once the sum of sizes passes the bound. Each use makes an entry the newest.
 *
 * The order is a list through the entries, not that of the Map: its first entry would be found by passing all those that were deleted before
 * it, which in a full cache are as many as there are entries. What leaves is emptied, for the reason that TransientMap gives.
 */
export class ByteBoundedCache<Key, Value> {
  private entries = new Map<Key, Entry<Key, Value>>();
  private oldest: Entry<Key, Value> | undefined;
  private newest: Entry<Key, Value> | undefined;
  private total = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly onEvict: (key: Key, value: Value) => void = () => undefined,
  ) {}

  get bytes(): number {
    return this.total;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: Key): Value | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.newest) {
      this.unlink(entry);
      this.append(entry);
    }
    return entry.value;
  }

  /** Also how an entry's size is brought up to date. */
  set(key: Key, value: Value, bytes: number): void {
    this.delete(key);
    const entry = { key, value, bytes, older: undefined, newer: undefined };
    this.entries.set(key, entry);
    this.append(entry);
    this.total += bytes;
    while (this.total > this.maxBytes && this.oldest !== undefined && this.oldest !== entry) this.evict(this.oldest);
  }

  delete(key: Key): void {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.remove(entry);
  }

  clear(): void {
    for (const { key } of this.entries.values()) this.delete(key);
    this.entries = new Map();
  }

  /** From the one that was not used for longest. */
  *keys(): Generator<Key, void> {
    for (let entry = this.oldest; entry !== undefined; entry = entry.newer) yield entry.key;
  }

  private evict(entry: Entry<Key, Value>): void {
    const { key, value } = entry;
    this.remove(entry);
    if (value !== undefined) this.onEvict(key, value);
  }

  private remove(entry: Entry<Key, Value>): void {
    this.entries.delete(entry.key);
    this.unlink(entry);
    this.total -= entry.bytes;
    entry.value = undefined;
  }

  private append(entry: Entry<Key, Value>): void {
    entry.older = this.newest;
    if (this.newest === undefined) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  private unlink(entry: Entry<Key, Value>): void {
    const { older, newer } = entry;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    entry.older = undefined;
    entry.newer = undefined;
  }
}
