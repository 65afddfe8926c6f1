/** How far back an ended attempt still widens its pool's window. */
const recentMs = 100;
/** Ends within so much of each other are counted as one entry: thousands end in 100 ms. */
const grainMs = 5;

/** Sleeping and waiting built-ins hold no slot, so no slots bound them; this does, for each runner. */
export const slotlessWindow = 20_000;

/**
 * How much may be out at once in each pool: its live slots and what ended in it during the last 100 ms. The window grows
 * with short work, which would otherwise wait a round trip for each slot, and long work never queues behind long work.
 */
export class RecentEnds {
  private readonly ends = new Map<string, { readonly at: number; count: number }[]>();

  ended(pool: string, count: number, monotonicMs: number): void {
    // Nobody may ask for a pool in which nothing is ready, for hours: it is kept short here, too.
    const list = this.recent(pool, monotonicMs);
    const last = list.at(-1);
    if (last !== undefined && monotonicMs - last.at < grainMs) last.count += count;
    else list.push({ at: monotonicMs, count });
  }

  count(pool: string, monotonicMs: number): number {
    return this.recent(pool, monotonicMs).reduce((sum, end) => sum + end.count, 0);
  }

  private recent(pool: string, monotonicMs: number): { readonly at: number; count: number }[] {
    const list = this.ends.get(pool) ?? [];
    if (list.length === 0) this.ends.set(pool, list);
    while (list[0] !== undefined && list[0].at < monotonicMs - recentMs) list.shift();
    return list;
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
