/** A binary heap: whatever is before all others comes first. What decides that must not change while it is in here. */
export class Heap<T> {
  private items: T[] = [];

  constructor(private readonly isBefore: (one: T, other: T) => boolean) {}

  get size(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    const { items, isBefore } = this;
    let index = items.length;
    items.push(item);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = items[above];
      if (parent === undefined || !isBefore(item, parent)) break;
      items[index] = parent;
      index = above;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const [first] = this.items;
    const last = this.items.pop();
    if (last !== undefined && this.items.length > 0) this.sink(last, 0);
    return first;
  }

  /** Keeps only these. */
  filter(isKept: (item: T) => boolean): void {
    this.items = this.items.filter(isKept);
    for (let index = (this.items.length >> 1) - 1; index >= 0; index--) {
      const item = this.items[index];
      if (item !== undefined) this.sink(item, index);
    }
  }

  /** Puts an item where it belongs, at or below a place that is free. */
  private sink(item: T, from: number): void {
    const { items, isBefore } = this;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      let child = items[below];
      if (child === undefined) break;
      const right = items[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        below++;
        child = right;
      }
      if (!isBefore(child, item)) break;
      items[index] = child;
      index = below;
    }
    items[index] = item;
  }
}
