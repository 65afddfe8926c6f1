import type { EventOf, FailureKind } from '@ryax/contracts';
import type { RetryPlan } from '../definition/plan';

/**
 * Whether, when and on whose account a failed attempt is followed by another. The pause is exponential backoff with
 * full jitter: a random share of a bound that doubles (Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015), so that what failed together does not come back together.
 */
export type RetryBudget = EventOf<'ExecutionRetryScheduled'>['data']['budget'];

export interface Retry {
  readonly budget: RetryBudget;
  readonly delayMs: number;
}

/** Whose count a retry goes into: the budgets of the events, of which images that cannot be had have a part to themselves. */
export type RetryCount = 'userRetries' | 'infrastructureRetries' | 'imageRetries';
/** Retries granted so far. */
export type RetriesUsed = Readonly<Record<RetryCount, number>>;

/** Ten attempts over some two minutes on average: a node's loss and its replacement fit in. */
export const infrastructureRetry: RetryPlan = {
  maxAttempts: 10,
  initialIntervalMs: 1_000,
  maxIntervalMs: 60_000,
  multiplier: 2,
  on: new Set<FailureKind>(['lost']),
};

/**
 * Few: whoever reports that an image cannot be had has mostly waited for it with a patience of its own. Apart by enough for what
 * is on its way to a shared folder.
 */
export const imageRetry: RetryPlan = {
  ...infrastructureRetry,
  maxAttempts: 3,
  initialIntervalMs: 30_000,
  on: new Set<FailureKind>(['image']),
};

export function nextRetry(kind: FailureKind, plan: RetryPlan, used: RetriesUsed, random: () => number): Retry | null {
  const { infrastructureRetries, imageRetries, userRetries } = used;
  // Nobody's fault but the engine's surroundings: it does not use up what the user granted.
  if (isGranted(kind, infrastructureRetry, infrastructureRetries)) {
    return { budget: 'infrastructure', delayMs: delayMs(infrastructureRetry, infrastructureRetries, random) };
  }
  if (isGranted(kind, imageRetry, imageRetries)) {
    return { budget: 'infrastructure', delayMs: delayMs(imageRetry, imageRetries, random) };
  }
  if (isGranted(kind, plan, userRetries)) {
    return { budget: 'user', delayMs: delayMs(plan, userRetries, random) };
  }
  return null;
}

/** Where a retry is counted that was granted from this budget after a failure of that kind. */
export function countOf(budget: RetryBudget, kind: FailureKind | undefined): RetryCount {
  if (budget === 'user') return 'userRetries';
  return kind === 'image' ? 'imageRetries' : 'infrastructureRetries';
}

function isGranted(kind: FailureKind, plan: RetryPlan, retries: number): boolean {
  return plan.on.has(kind) && retries + 1 < plan.maxAttempts;
}

/** `retries`: how many there were before this one. */
function delayMs(plan: RetryPlan, retries: number, random: () => number): number {
  const bound = Math.min(plan.maxIntervalMs, plan.initialIntervalMs * plan.multiplier ** retries);
  return Math.round(random() * bound);
}
