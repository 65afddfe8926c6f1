import { isSystemError } from '@ryax/filestore';
import { backoffMs, wait, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../process/attempt-failure';
import type { OutputTargets } from '../process/outputs';

const retry = { initialMs: 100, maxMs: 5_000 };

export interface Patience {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly signal: AbortSignal;
  /** From the first failure on. */
  readonly patienceMs: number;
}

/**
 * Does once more what could not be read or stored for an attempt that has begun: a filestore or a disk that fails is waited for as long as
 * for a node, and what runs or has ended well is not lost by it.
 */
export async function untilDone<T>(act: () => Promise<T>, { clock, signal, patienceMs }: Patience): Promise<T> {
  let failedAtMs: number | undefined;
  for (let tries = 0; ; tries++) {
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      const nowMs = clock.monotonicMs();
      failedAtMs ??= nowMs;
      if (!mayPass(error) || nowMs - failedAtMs >= patienceMs) throw error;
    }
    await wait(backoffMs(tries, retry), signal);
  }
}

/** Where the outputs go of what has ended well. */
export function patientTargets(targets: OutputTargets, patience: Patience): OutputTargets {
  return { ...targets, patiently: (store) => untilDone(store, patience) };
}

/** What a system has said of itself. What the filestore says of its content stays so, and so does a fault of ours. */
function mayPass(error: unknown): boolean {
  if (error instanceof AttemptFailure) return error.failure.kind === 'lost' && mayPass(error.cause);
  return isSystemError(error);
}
