import type { Clock } from '@ryax/platform';

/**
 * The right to spawn. It comes with each answer to a beat and counts from when that beat was *sent*, on our own monotonic
 * clock: however long an answer, or this whole process, lay still, its age is never underestimated.
 */
export class Lease {
  private newestSentMs: number | undefined;

  constructor(private readonly clock: Clock) {}

  /** A runner answered the beat that we sent at `sentMs`. Answers may come late, twice and out of order. */
  answered(sentMs: number): void {
    if (sentMs > this.clock.monotonicMs()) return;
    if (this.newestSentMs === undefined || sentMs > this.newestSentMs) this.newestSentMs = sentMs;
  }

  /** Infinite before the first answer. */
  get ageMs(): number {
    return this.newestSentMs === undefined ? Infinity : this.clock.monotonicMs() - this.newestSentMs;
  }

  isYoungerThan(ms: number): boolean {
    return this.ageMs < ms;
  }
}
