import type { Surroundings } from '../executors';

/** A runner without others, which has sent nothing yet. */
export const alone: Surroundings = { outstandingAt: () => 0, rank: { index: 0, count: 1 } };
