import { setTimeout as wait } from 'node:timers/promises';
import { answerWithin, isError } from '@ryax/platform';

export interface WaitOptions {
  /** Generous: it is only used up by a failure. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  /** What is waited for, as the end of "Expected …"; a function may tell what was seen instead. */
  readonly describe?: string | (() => string);
}

const defaultTimeoutMs = 15_000;
const defaultIntervalMs = 10;

/**
 * Asks until the condition answers something other than false or undefined, and answers that. A condition that throws counts as
 * not yet met; its last error is part of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  {
    timeoutMs = defaultTimeoutMs,
    intervalMs = defaultIntervalMs,
    describe = 'the condition to hold',
  }: WaitOptions = {},
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      // A condition that itself hangs must not outlive the deadline.
      const value = await answerWithin(Math.max(deadline - performance.now(), 1), condition);
      if (isMet(value)) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) break;
    await wait(intervalMs);
  }
  const what = typeof describe === 'function' ? describe() : describe;
  throw new Error(`Expected ${what} within ${timeoutMs} ms${isError(last) ? `; last: ${last.message}` : ''}`, {
    cause: last,
  });
}

function isMet<T>(value: T): value is Exclude<T, false | undefined> {
  return value !== false && value !== undefined;
}
