import { setImmediate as turn } from 'node:timers/promises';

/**
 * Starts one process at a time and lets requests be answered in between: each start holds up the whole server for some
 * milliseconds, and a burst of pods would do so for seconds.
 */
export class StartQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** Rejects as `start` does, or when `signal` says that it is not to be started any more. */
  async run<Started>(start: () => Promise<Started>, signal: AbortSignal): Promise<Started> {
    const started = this.last.then(() => {
      signal.throwIfAborted();
      return start();
    });
    this.last = started.then(
      () => turn(),
      () => turn(),
    );
    return started;
  }
}
