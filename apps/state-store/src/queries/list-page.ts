import type { Freshness, ProjectionProgress } from '../projections/freshness';
import { encodeCursor } from './cursor';

export interface ListPage<Item> extends Freshness {
  readonly items: Item[];
  readonly next_cursor: string | null;
}

export interface ListQuery<Row, Item> {
  readonly limit: number | undefined;
  /** Reads rows in the list's order, after the cursor. */
  readonly read: (limit: number) => Promise<readonly Row[]>;
  readonly toItem: (row: Row) => Item;
  /** What the list is ordered by. */
  readonly keyOf: (row: Row) => readonly (string | number)[];
}

const defaultLimit = 50;

/** Waits until the read models have caught up, reads a page, and says how to go on and how fresh it is. */
export async function listPage<Row, Item>(
  progress: Pick<ProjectionProgress, 'catchUp'>,
  { limit = defaultLimit, read, toItem, keyOf }: ListQuery<Row, Item>,
): Promise<ListPage<Item>> {
  const freshness = await progress.catchUp();
  const rows = await read(limit + 1);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next_cursor = rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null;
  return { items: shown.map(toItem), next_cursor, ...freshness };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
