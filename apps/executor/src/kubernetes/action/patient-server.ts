import { backoffMs, wait, type Clock } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import { ActionServerRefusal, type ActionServer } from './action-server';
import { isUnreached, untilReached } from './reach';
import type { ServerPatience } from './server-patience';

const retry = { initialMs: 50, maxMs: 2_000 };
/** The server of an image that was made before it could tell fails of itself at a path that cannot be looked at: it always will. */
const mostFailures = 5;
const handlerServer = { name: "The action's server", advice: 'Check that the executor can reach pods' };

export interface FilesPatience {
  /** With the server, before it has the attempt. */
  readonly before: ServerPatience;
  /** With each file that the handler has returned: work that has ended well is not lost by a connection. */
  readonly afterMs: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Aborted when its pod has ended, or it is not wanted any more. */
  readonly signal: AbortSignal;
}

/** The files of a handler, asked for again where its server is not reached. */
export function patientServer(server: ActionServer, patience: FilesPatience): Pick<ActionServer, 'put' | 'get'> {
  const { before, afterMs, clock, signal } = patience;
  const reach = { server: handlerServer, clock, signal, gone: () => undefined, mostFailures };
  return {
    put: (name, file, signal) => whenReached(() => server.put(name, file, signal, () => before.gotOn()), patience),
    get: (path, target, signal) => untilReached((gotOn) => server.get(path, target, signal, gotOn), reach, afterMs),
  };
}

/** Before the server listens nothing can be put there, and a connection may break. */
async function whenReached<T>(put: () => Promise<T>, { before, signal }: FilesPatience): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      const done = await put();
      before.brought();
      return done;
    } catch (error) {
      if (error instanceof AttemptFailure || error instanceof ActionServerRefusal) throw error;
      signal.throwIfAborted();
      if (!isUnreached(error)) throw error;
      before.failed(error);
    }
    await wait(backoffMs(tries, retry), signal);
  }
}
