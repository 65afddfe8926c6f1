interface Entry<T> {
  readonly item: T;
  /** Among items of one time: the order in which they came. */
  readonly order: number;
}

/** What comes at some time, earliest first, and in the order of its coming at one time: a binary heap. */
export class TimeQueue<T extends { readonly at: number }> {
  private readonly heap: Entry<T>[] = [];
  private pushed = 0;

  peek(): T | undefined {
    return this.heap[0]?.item;
  }

  push(item: T): void {
    let index = this.heap.push({ item, order: this.pushed++ }) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!this.isBefore(index, above)) return;
      this.swap(index, above);
      index = above;
    }
  }

  pop(): T | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.sink(0);
    }
    return first.item;
  }

  private sink(from: number): void {
    for (let index = from; ;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let earliest = index;
      if (this.isBefore(left, earliest)) earliest = left;
      if (this.isBefore(right, earliest)) earliest = right;
      if (earliest === index) return;
      this.swap(index, earliest);
      index = earliest;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const first = this.heap[a];
    const second = this.heap[b];
    if (first === undefined || second === undefined) return false;
    return first.item.at < second.item.at || (first.item.at === second.item.at && first.order < second.order);
  }

  private swap(a: number, b: number): void {
    const first = this.heap[a];
    const second = this.heap[b];
    if (first === undefined || second === undefined) return;
    this.heap[a] = second;
    this.heap[b] = first;
  }
}
