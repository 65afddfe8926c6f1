import { backoffMs, codeOf, messageOf, wait, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import { ActionServerRefusal } from '../action/action-server';
import { UnreachedTime } from '../action/unreached-time';

const retry = { initialMs: 50, maxMs: 2_000 };

export interface Reach {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly signal: AbortSignal;
  /** Why it will never be reached again; undefined as long as it may be. */
  readonly gone: () => string | undefined;
}

/**
 * Does it again for as long as the server of a pod's files is not reached, or fails of itself. What is done there may be done twice.
 * @param act is given what is told while it gets on
 * @param patienceMs without getting on; a try that went on for so long had got on, or would have been ended
 * Rejects with an AttemptFailure `lost` when it is given up.
 */
export async function untilReached<T>(
  act: (gotOn: () => void) => Promise<T>,
  { clock, signal, gone }: Reach,
  patienceMs: number,
): Promise<T> {
  const unreached = new UnreachedTime(clock);
  for (let tries = 0; ; tries++) {
    const beganMs = clock.monotonicMs();
    try {
      return await act(unreached.gotOn);
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthRepeating(error)) throw error;
      if (clock.monotonicMs() - beganMs >= patienceMs) unreached.answered();
      const why = gone() ?? (unreached.failed() < patienceMs ? undefined : tooLong(error, patienceMs));
      if (why !== undefined) throw new AttemptFailure({ kind: 'lost', message: why }, { cause: error });
    }
    await wait(backoffMs(tries, retry), signal);
  }
}

function tooLong(error: unknown, patienceMs: number): string {
  const what = `The server of the pod's files was not reached for ${Math.round(patienceMs / 1000)} s: ${messageOf(error)}`;
  return `${what}. Check that the executor can reach pods, and that the site's filesImage is that of the file server`;
}

const unreached = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE'];

/** The connection itself, or the server, has failed. */
function isWorthRepeating(error: unknown): boolean {
  if (error instanceof ActionServerRefusal) return error.status >= 500;
  return unreached.includes(codeOf(error) ?? '');
}
