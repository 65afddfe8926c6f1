import type { Collection } from './state';

/** Against the rounding of a share times a count: 0.9 of 10 is 9, not 10. */
const ROUNDING = 1e-9;

/** How many elements must succeed. */
export function requiredSuccesses(collection: Collection): number {
  const share = collection.owner.entry.forEach?.minSuccess ?? 1;
  return Math.max(0, Math.ceil(share * collection.count - ROUNDING));
}

/** Whether the bound can still be met by what has not failed. */
export function isReachable(collection: Collection): boolean {
  return collection.count - collection.endedAs.failed >= requiredSuccesses(collection);
}

export function isReached(collection: Collection): boolean {
  const { succeeded, skipped } = collection.endedAs;
  return succeeded + skipped >= requiredSuccesses(collection);
}

/** Elements of this index and above were never opened. */
export function openedElements(collection: Collection): number {
  return collection.elements.length;
}
