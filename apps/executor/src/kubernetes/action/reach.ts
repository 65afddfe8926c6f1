import { backoffMs, codeOf, messageOf, wait, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import { ActionServerRefusal } from './action-server';
import { UnreachedTime } from './unreached-time';

const retry = { initialMs: 50, maxMs: 2_000 };

export interface Reach {
  /** For the failure when it is given up: which server it is, and what to look at. */
  readonly server: { readonly name: string; readonly advice: string };
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly signal: AbortSignal;
  /** Why it will never be reached again; undefined as long as it may be. */
  readonly gone: () => string | undefined;
  /** So often it may answer with a failure of its own, and that is thrown then; without it for as long as there is patience. */
  readonly mostFailures?: number;
}

/**
 * Does it again for as long as a server in a pod is not reached, or fails of itself. What is done there may be done twice.
 * @param act is given what is told while it gets on
 * @param patienceMs without getting on
 * Rejects with an AttemptFailure `lost` when it is given up.
 */
export async function untilReached<T>(
  act: (gotOn: () => void) => Promise<T>,
  { server, clock, signal, gone, mostFailures = Infinity }: Reach,
  patienceMs: number,
): Promise<T> {
  const unreached = new UnreachedTime(clock);
  let failures = 0;
  for (let tries = 0; ; tries++) {
    try {
      return await act(unreached.gotOn);
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthRepeating(error)) throw error;
      if (error instanceof ActionServerRefusal && ++failures >= mostFailures) throw error;
      const why = gone() ?? (unreached.failed() < patienceMs ? undefined : tooLong(server, error, patienceMs));
      if (why !== undefined) throw new AttemptFailure({ kind: 'lost', message: why }, { cause: error });
    }
    await wait(backoffMs(tries, retry), signal);
  }
}

function tooLong({ name, advice }: Reach['server'], error: unknown, patienceMs: number): string {
  return `${name} was not reached for ${Math.round(patienceMs / 1000)} s: ${messageOf(error)}. ${advice}`;
}

/** The connection itself, or the server, has failed. */
function isWorthRepeating(error: unknown): boolean {
  return error instanceof ActionServerRefusal ? error.status >= 500 : isUnreached(error);
}

const unreached = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE'];

/** The server may not listen yet, or the connection has broken. */
export function isUnreached(error: unknown): boolean {
  return unreached.includes(codeOf(error) ?? '');
}
