/** How far back an ended attempt still widens its pool's window. */
const recentMs = 100;

/** Sleeping and waiting built-ins hold no slot, so no slots bound them; this does, for each runner. */
export const slotlessWindow = 20_000;

/**
 * How much may be out at once in each pool: its live slots and what ended in it during the last 100 ms. The window grows
 * with short work, which would otherwise wait a round trip for each slot, and long work never queues behind long work.
 */
export class RecentEnds {
  private readonly ends = new Map<string, { readonly at: number; readonly count: number }[]>();

  ended(pool: string, count: number, monotonicMs: number): void {
    // Nobody may ask for a pool in which nothing is ready, for hours: it is kept short here, too.
    this.count(pool, monotonicMs);
    const list = this.ends.get(pool) ?? [];
    list.push({ at: monotonicMs, count });
    this.ends.set(pool, list);
  }

  count(pool: string, monotonicMs: number): number {
    const list = this.ends.get(pool);
    if (list === undefined) return 0;
    const firstRecent = list.findIndex((end) => end.at >= monotonicMs - recentMs);
    list.splice(0, firstRecent === -1 ? list.length : firstRecent);
    return list.reduce((sum, end) => sum + end.count, 0);
  }
}

/**
 * This runner's part of a pool's window: in proportion to the ready and outstanding work of all runners that have any,
 * at least one.
 */
export function windowShare(window: number, mine: number, others: number): number {
  if (window === 0) return 0;
  if (others === 0) return window;
  const wanted = Math.max(mine, 1);
  return Math.max(1, Math.floor((window * wanted) / (wanted + others)));
}
