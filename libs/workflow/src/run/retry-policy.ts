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

/** Kinds that are nobody's fault but the engine's surroundings: they do not use up what the user granted. */
const infrastructureKinds: ReadonlySet<FailureKind> = new Set<FailureKind>(['lost', 'image']);

/** Ten attempts over some two minutes on average: a node's loss and its replacement fit in. */
export const infrastructureRetry: RetryPlan = {
  maxAttempts: 10,
  initialIntervalMs: 1_000,
  maxIntervalMs: 60_000,
  multiplier: 2,
  on: infrastructureKinds,
};

/** Retries granted so far from each budget. */
export interface RetriesUsed {
  readonly userRetries: number;
  readonly infrastructureRetries: number;
}

export function nextRetry(kind: FailureKind, plan: RetryPlan, used: RetriesUsed, random: () => number): Retry | null {
  if (isGranted(kind, infrastructureRetry, used.infrastructureRetries)) {
    return { budget: 'infrastructure', delayMs: delayMs(infrastructureRetry, used.infrastructureRetries, random) };
  }
  if (isGranted(kind, plan, used.userRetries)) {
    return { budget: 'user', delayMs: delayMs(plan, used.userRetries, random) };
  }
  return null;
}

function isGranted(kind: FailureKind, plan: RetryPlan, retries: number): boolean {
  return plan.on.has(kind) && retries + 1 < plan.maxAttempts;
}

/** `retries`: how many there were before this one. */
function delayMs(plan: RetryPlan, retries: number, random: () => number): number {
  const bound = Math.min(plan.maxIntervalMs, plan.initialIntervalMs * plan.multiplier ** retries);
  return Math.round(random() * bound);
}
