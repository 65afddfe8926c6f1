import { TransientMap } from './transient-map';

/** Least recently used entries go first, once the sum of sizes passes the bound. Each use moves an entry. */
export class ByteBoundedCache<Key, Value> {
  private readonly entries = new TransientMap<Key, { readonly value: Value; readonly bytes: number }>();
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
    const entry = this.entries.delete(key);
    if (entry === undefined) return undefined;
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
      this.delete(oldest);
      this.onEvict(oldest, entry.value);
    }
  }

  delete(key: Key): void {
    this.total -= this.entries.delete(key)?.bytes ?? 0;
  }

  clear(): void {
    this.entries.clear();
    this.total = 0;
  }

  keys(): IterableIterator<Key> {
    return this.entries.keys();
  }
}
