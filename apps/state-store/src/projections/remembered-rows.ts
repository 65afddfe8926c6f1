import { ByteBoundedCache } from '@ryax/platform';

/**
 * Rows as the last batches left them. A batch mostly goes on with runs that the batches before it began: their rows are neither
 * read again nor waited for. Holds what the table holds, or nothing.
 */
export class RememberedRows<Row> {
  private readonly rows: ByteBoundedCache<string, Row>;

  /** @param sizeOf roughly what a row takes in memory, in bytes */
  constructor(
    maxBytes: number,
    private readonly sizeOf: (row: Row) => number,
  ) {
    this.rows = new ByteBoundedCache(maxBytes);
  }

  /** The rows of these keys, by their text: remembered ones, and what `read` finds of the others, if there are any. */
  async load<Key>(
    keys: ReadonlyMap<string, Key>,
    read: (missing: readonly Key[]) => Promise<ReadonlyMap<string, Row>>,
  ): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    const missing: Key[] = [];
    for (const [text, key] of keys) {
      const row = this.rows.get(text);
      if (row === undefined) missing.push(key);
      else found.set(text, row);
    }
    if (missing.length > 0) for (const [text, row] of await read(missing)) found.set(text, row);
    return found;
  }

  remember(key: string, row: Row): void {
    this.rows.set(key, row, this.sizeOf(row));
  }

  /** Nothing goes on with it. */
  forget(key: string): void {
    this.rows.delete(key);
  }

  clear(): void {
    this.rows.clear();
  }
}
