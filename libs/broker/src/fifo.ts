/**
 * A queue whose ends are cheap whatever its length (an array's `shift` moves everything once the array is large). What has been
 * taken out is not kept.
 */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  peek(): T | undefined {
    return this.items[this.head];
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (this.head === this.items.length) return undefined;
    this.items[this.head++] = undefined;
    if (this.head > 1_000 && this.head * 2 > this.items.length) this.compact();
    return item;
  }

  /** Puts items before all others, in their order. */
  unshift(items: Iterable<T>): void {
    this.items = [...items, ...this.items.slice(this.head)];
    this.head = 0;
  }

  /** Takes out everything. */
  clear(): T[] {
    this.compact();
    return this.items.splice(0) as T[];
  }

  private compact(): void {
    this.items = this.items.slice(this.head);
    this.head = 0;
  }
}
