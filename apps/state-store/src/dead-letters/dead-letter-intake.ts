import type { DeadLetter, DeadLetterQueue, Subscription } from '@ryax/broker';
import type { Database } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import { storeLetters, trimLetters } from './dead-letters';

/** What is above the bound is dropped this often: finding it walks over all of them. */
const trimEveryMs = 60_000;

/**
 * Moves what is parked out of `ryax.dead` into a table, where it can be looked at, replayed and dropped one by one: a queue
 * can only be read from its front, and whoever dies with it in hand leaves it in another order. Acknowledged once committed.
 */
export class DeadLetterIntake {
  private subscription: Subscription | undefined;
  private lastTrim = -Infinity;

  constructor(
    private readonly queue: DeadLetterQueue,
    private readonly database: Database,
    private readonly keptBytes: number,
    private readonly log: Log,
  ) {}

  async start(): Promise<void> {
    this.subscription = await this.queue.takeDeadLetters((letters) => this.store(letters));
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  private async store(letters: readonly DeadLetter[]): Promise<void> {
    await storeLetters(this.database, letters);
    if (performance.now() - this.lastTrim < trimEveryMs) return;
    this.lastTrim = performance.now();
    const dropped = await trimLetters(this.database, this.keptBytes);
    if (dropped > 0) this.log.error('The oldest dead letters were dropped', { dropped, kept_bytes: this.keptBytes });
  }
}
