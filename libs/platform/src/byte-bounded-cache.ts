interface Entry<Value> {
  value: Value | undefined;
  bytes: number;
}

/**
 * Least recently used entries go first, once the sum of sizes passes the bound. Each use moves an entry, and what has left is emptied,
 * for the reason that `TransientMap` gives.
 */
export class ByteBoundedCache<Key, Value> {
  private entries = new Map<Key, Entry<Value>>();
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
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** Also how an entry's size is brought up to date. */
  set(key: Key, value: Value, bytes: number): void {
    this.delete(key);
    this.entries.set(key, { value, bytes });
    this.total += bytes;
    for (const [oldest, entry] of this.entries) {
      if (this.total <= this.maxBytes || this.entries.size === 1) return;
      const evicted = entry.value as Value;
      this.delete(oldest);
      this.onEvict(oldest, evicted);
    }
  }

  delete(key: Key): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    entry.value = undefined;
    this.total -= entry.bytes;
  }

  clear(): void {
    this.entries = new Map();
    this.total = 0;
  }

  keys(): IterableIterator<Key> {
    return this.entries.keys();
  }
}
