import type { Worker } from './worker';

/**
 * Workers that wait for their next call, by the content of their action. The one used last is taken first, so that those
 * which are not needed come to the end of their time.
 */
export class WorkerPool {
  /** In order of last use. */
  private readonly idle = new Map<Worker, { readonly hash: string; readonly timer: NodeJS.Timeout }>();

  constructor(
    private readonly options: {
      /** After so long without a call a worker is ended. */
      readonly idleMs: number;
      /** So many wait at most, of all actions together. */
      readonly mostIdle: number;
      readonly retire: (worker: Worker) => void;
    },
  ) {}

  take(hash: string): Worker | undefined {
    for (const [worker, idle] of [...this.idle].reverse()) {
      if (idle.hash !== hash) continue;
      this.remove(worker);
      if (worker.isUsable) return worker;
      this.options.retire(worker);
    }
    return undefined;
  }

  put(hash: string, worker: Worker): void {
    const timer = setTimeout(() => this.retire(worker), this.options.idleMs).unref();
    this.idle.set(worker, { hash, timer });
    for (const oldest of this.idle.keys()) {
      if (this.idle.size <= this.options.mostIdle) break;
      this.retire(oldest);
    }
  }

  /** Lets go of one that has died by itself. */
  forget(worker: Worker): void {
    this.retire(worker);
  }

  /** Lets go of all of them. */
  clear(): void {
    for (const worker of [...this.idle.keys()]) this.retire(worker);
  }

  private retire(worker: Worker): void {
    if (this.remove(worker)) this.options.retire(worker);
  }

  private remove(worker: Worker): boolean {
    clearTimeout(this.idle.get(worker)?.timer);
    return this.idle.delete(worker);
  }
}
