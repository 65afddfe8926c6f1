import { Heap } from './heap';

interface Entry<T> {
  readonly item: T;
  /** Among items of one time: the order in which they came. */
  readonly order: number;
}

/** What comes at some time, earliest first, and in the order of its coming at one time. */
export class TimeQueue<T extends { readonly at: number }> {
  private readonly heap = new Heap<Entry<T>>(isBefore);
  private pushed = 0;

  peek(): T | undefined {
    return this.heap.peek()?.item;
  }

  push(item: T): void {
    this.heap.push({ item, order: this.pushed++ });
  }

  pop(): T | undefined {
    return this.heap.pop()?.item;
  }
}

function isBefore<T extends { readonly at: number }>(one: Entry<T>, other: Entry<T>): boolean {
  return one.item.at < other.item.at || (one.item.at === other.item.at && one.order < other.order);
}
