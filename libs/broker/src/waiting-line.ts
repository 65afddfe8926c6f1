import type { Carrier, Held } from './held';

/** Messages that wait to be handed out, in order of arrival. */
export class WaitingLine<C extends Carrier> {
  private readonly waiting: Held<C>[] = [];

  get length(): number {
    return this.waiting.length;
  }

  /** It has arrived last. */
  add(held: Held<C>): void {
    this.waiting.push(held);
  }

  /** At its place by arrival, which is near the front: what waits arrived later. */
  putBack(held: Held<C>): void {
    const index = this.waiting.findIndex(({ arrival }) => arrival > held.arrival);
    this.waiting.splice(index === -1 ? this.waiting.length : index, 0, held);
  }

  /** As many as are waiting, up to the bound, and no more than the most suspected among them allows. */
  take(most: number): Held<C>[] {
    let bound = most;
    let size = 0;
    for (const { limit } of this.waiting) {
      bound = Math.min(bound, limit);
      if (size >= bound) break;
      size++;
    }
    return this.waiting.splice(0, size);
  }

  /** Answers what has waited. */
  clear(): Held<C>[] {
    return this.waiting.splice(0);
  }
}
