import type { WorkItem } from './work-item';

/** Deciding this item throws, whatever else is in the batch. It has been given back; the rest is to be decided again. */
export class PoisonedItemError extends Error {
  readonly code = 'poisoned';

  constructor(
    readonly item: WorkItem,
    options: ErrorOptions,
  ) {
    super(`Expected to decide ${item.cause.type} for ${item.streamId}, failed`, options);
    this.name = 'PoisonedItemError';
  }
}
