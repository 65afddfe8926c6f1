import { setTimeout as wait } from 'node:timers/promises';
import { isError } from '@ryax/platform';

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
      const value = await within(deadline - performance.now(), condition);
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

/** A condition that itself hangs must not outlive the deadline. */
async function within<T>(ms: number, condition: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the condition did not answer')), Math.max(ms, 1));
  });
  try {
    return await Promise.race([Promise.resolve().then(condition), late]);
  } finally {
    clearTimeout(timer);
  }
}
