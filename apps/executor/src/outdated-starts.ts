import type { Clock } from '@ryax/platform';
import { Remembered } from './remembered';

/**
 * Starts that are not taken any more, by attempt and by since when they are meant, in the database's time.
 *
 * To call an attempt unknown is a promise to take no start of it that is older than the question: a runner that was stopped
 * in the middle of sending one may wake up when another executor has it. To give a start back promises the same of that start.
 */
export class OutdatedStarts {
  /** Since when a start must be meant to be taken. */
  private readonly promised: Remembered;
  /** Since when the newest start was meant that was taken, also once it is settled and asked about: its copies may come late. */
  private readonly taken: Remembered;

  constructor(
    private readonly clock: Clock,
    limit: number,
    forMs: number,
  ) {
    this.promised = new Remembered(limit, forMs);
    this.taken = new Remembered(limit, forMs);
  }

  has(name: string, since: number): boolean {
    const now = this.clock.monotonicMs();
    return since < (this.promised.get(name, now) ?? 0) || since <= (this.taken.get(name, now) ?? -1);
  }

  /** Promises to take no start of this attempt that is meant since before. */
  promise(name: string, since: number): void {
    const now = this.clock.monotonicMs();
    this.promised.add(name, now, Math.max(since, this.promised.get(name, now) ?? 0));
  }

  took(name: string, since: number): void {
    this.taken.add(name, this.clock.monotonicMs(), since);
  }
}
