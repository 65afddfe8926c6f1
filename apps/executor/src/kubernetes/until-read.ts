import { FileStoreError } from '@ryax/filestore';
import { backoffMs, wait, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../process/attempt-failure';

const retry = { initialMs: 100, maxMs: 5_000 };

export interface ReadPatience {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly signal: AbortSignal;
  /** From the first failure on. */
  readonly patienceMs: number;
}

/**
 * Reads once more what could not be read of an attempt that has begun: a filestore or a disk that fails is waited for as long as for a
 * node, and what runs or has ended well is not lost by it. What the filestore has said of its content stays so.
 */
export async function untilRead<T>(read: () => Promise<T>, { clock, signal, patienceMs }: ReadPatience): Promise<T> {
  let failedAtMs: number | undefined;
  for (let tries = 0; ; tries++) {
    try {
      return await read();
    } catch (error) {
      signal.throwIfAborted();
      const nowMs = clock.monotonicMs();
      failedAtMs ??= nowMs;
      if (isFinal(error) || nowMs - failedAtMs >= patienceMs) throw error;
    }
    await wait(backoffMs(tries, retry), signal);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof AttemptFailure ? error.failure.kind !== 'lost' : error instanceof FileStoreError;
}
