import { setMaxListeners } from 'node:events';
import { isError, messageOf } from './errors';
import type { Health } from './health';
import type { Log } from './log';
import { TransientMap } from './transient-map';

export interface OwnedOptions {
  /** Its failure leaves the service useless: liveness fails, so that whoever runs the service restarts it. */
  readonly vital?: boolean;
}

/**
 * Owns promises that nobody awaits: loops, consumers, fire-and-forget work. Each failure is logged by name, and stopping
 * aborts all of them and waits until they have ended.
 */
export class Owner {
  private readonly abort = new AbortController();
  private readonly running = new TransientMap<symbol, { name: string; done: Promise<void> }>();

  constructor(
    private readonly log: Log,
    private readonly health?: Pick<Health, 'fail'>,
  ) {
    // As many may wait for it as there are tasks: it is no leak.
    setMaxListeners(0, this.abort.signal);
  }

  /** Aborted when this owner stops. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Names of what has not ended; for a shutdown that ran out of time, and for tests. */
  get unfinished(): string[] {
    return [...this.running.values()].map(({ name }) => name);
  }

  /** Starts a task and owns its end. After `stop` nothing is started any more. */
  run(name: string, task: (signal: AbortSignal) => Promise<void> | void, { vital = false }: OwnedOptions = {}): void {
    if (this.signal.aborted) return;
    const key = Symbol(name);
    const done = this.settle(name, task, vital).finally(() => void this.running.delete(key));
    this.running.set(key, { name, done });
  }

  /** Aborts the tasks and waits for all of them, and for those which they started meanwhile. */
  async stop(): Promise<void> {
    this.abort.abort(new Error('stopping'));
    while (this.running.size > 0) await Promise.all([...this.running.values()].map(({ done }) => done));
  }

  private async settle(name: string, task: (signal: AbortSignal) => Promise<void> | void, vital: boolean) {
    try {
      await task(this.signal);
      if (!vital || this.signal.aborted) return;
      this.log.error('A vital task ended by itself', { task: name });
      this.health?.fail(name, 'ended by itself');
    } catch (error) {
      // Told to stop, and did so: the abort's own reason or what a wait made of it is no failure.
      if (this.signal.aborted && isAbort(error, this.signal)) return;
      this.log.error('A background task failed', { task: name, vital, error });
      if (vital) this.health?.fail(name, messageOf(error));
    }
  }
}

/** Starts one task with a log as the owner of its failure, where nothing has to be stopped. */
export function runOwned(log: Log, name: string, task: () => Promise<void> | void): void {
  new Owner(log).run(name, task);
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (isError(error) && error.name === 'AbortError');
}
