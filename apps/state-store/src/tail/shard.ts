import type { Lock, Locks } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import { follow, type LogReader } from './log-reader';
import { pause, type Wakes } from './wakes';

/** How soon a replica that stands by takes over after the active one has gone. */
const standbyPollMs = 2_000;

/**
 * The readers of one shard of the log, of which there is one now. Only the replica that holds the shard's lock steps
 * them; the others stand by. The lock saves work, it guards nothing: the checkpoints' compare-and-set does.
 */
export class Shard {
  private held: Lock | undefined;

  constructor(
    private readonly name: string,
    private readonly locks: Locks,
    private readonly readers: readonly LogReader[],
    private readonly wakes: Wakes,
    private readonly log: Log,
  ) {}

  get isActive(): boolean {
    return this.held !== undefined;
  }

  /** Runs until the signal is aborted; then each reader finishes its step, and the lock is given back. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lock = await this.tryAcquire();
      if (lock === undefined) await pause(standbyPollMs, signal);
      else await this.lead(lock, signal);
    }
  }

  private async lead(lock: Lock, signal: AbortSignal): Promise<void> {
    this.held = lock;
    this.log.info('Became the active replica', { shard: this.name });
    try {
      const leading = AbortSignal.any([signal, lock.lost]);
      await Promise.all(this.readers.map((reader) => follow(reader, this.wakes, this.log, leading)));
    } finally {
      this.held = undefined;
      await lock.release();
      this.log.info('Is no longer the active replica', { shard: this.name, lock_lost: lock.lost.aborted });
    }
  }

  private async tryAcquire(): Promise<Lock | undefined> {
    try {
      return await this.locks.tryAcquire(this.name);
    } catch (error) {
      this.log.warn('Could not ask for the lock of the shard', { shard: this.name, error });
      return undefined;
    }
  }
}
