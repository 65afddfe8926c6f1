import type { JsonValue, ValueReference } from '@ryax/contracts';
import { readJson, type FileStore } from '@ryax/filestore';

interface CachedValue {
  readonly value: Promise<JsonValue>;
  readonly bytes: number;
}

/**
 * Large values that inputs refer to, parsed once for all the elements of a `for_each` that each take a part of one list.
 * Bounded by the size of their text.
 */
export class ValueCache {
  /** In order of last use. */
  private readonly values = new Map<string, CachedValue>();
  private bytes = 0;

  constructor(
    private readonly files: FileStore,
    private readonly mostBytes: number,
  ) {}

  /** The value behind a reference's hash, all of it. Not to be changed. */
  get({ $value: hash, size }: ValueReference): Promise<JsonValue> {
    const cached = this.values.get(hash) ?? this.read(hash, size);
    this.values.delete(hash);
    this.values.set(hash, cached);
    this.evict();
    return cached.value;
  }

  private read(hash: string, bytes: number): CachedValue {
    const cached = { value: readJson(this.files, hash), bytes };
    this.bytes += bytes;
    cached.value.catch(() => this.forget(hash, cached));
    return cached;
  }

  private evict(): void {
    for (const [hash, cached] of this.values) {
      if (this.bytes <= this.mostBytes) return;
      this.forget(hash, cached);
    }
  }

  private forget(hash: string, cached: CachedValue): void {
    if (this.values.get(hash) !== cached) return;
    this.values.delete(hash);
    this.bytes -= cached.bytes;
  }
}
