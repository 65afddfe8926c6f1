import { setTimeout as timeout } from 'node:timers/promises';

/** In ms: longer no timer of Node can count. */
export const longestTimerMs = 2 ** 31 - 1;

export interface Backoff {
  /** Upper bound of the first delay. */
  readonly initialMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
}

/** For reconnect loops: quick after a blip, and at most five seconds late after a long outage. */
export const reconnectBackoff: Backoff = { initialMs: 100, maxMs: 5_000 };

/**
 * Full jitter: anywhere between nothing and the exponential bound, so that clients which failed together
 * do not come back together. `attempt` counts from 0.
 */
export function backoffMs(attempt: number, backoff: Backoff, random: () => number = Math.random): number {
  return random() * Math.min(backoff.maxMs, backoff.initialMs * 2 ** attempt);
}

/** Waits, and rejects with the signal's reason as soon as it is aborted. */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await timeout(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

export interface RetryOptions {
  readonly backoff?: Backoff;
  readonly signal: AbortSignal;
  /** Called before each wait; the place to log, or to rethrow what no repetition can cure. */
  readonly onFailure?: (error: unknown, attempt: number, delayMs: number) => void;
}

/** Repeats until it succeeds or the signal is aborted (then rejects with its reason). */
export async function retryUntilDone<T>(
  action: (signal: AbortSignal) => Promise<T>,
  { backoff = reconnectBackoff, signal, onFailure }: RetryOptions,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await action(signal);
    } catch (error) {
      signal.throwIfAborted();
      const delayMs = backoffMs(attempt, backoff);
      onFailure?.(error, attempt, delayMs);
      await wait(delayMs, signal);
    }
  }
}
