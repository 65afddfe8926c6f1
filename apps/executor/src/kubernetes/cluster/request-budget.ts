import { wait, type Clock } from '@ryax/platform';

export interface Rate {
  /** Requests a second, over time. */
  readonly perSecond: number;
  /** So many at once after a quiet time. */
  readonly burst: number;
}

/**
 * How many requests may be made: a bucket of `burst` tokens that fills at `perSecond`. Who finds none waits for its turn, in the
 * order of arrival. A server that is busy says for how long: until then it is left alone.
 */
export class RequestBudget {
  private tokens: number;
  private countedAtMs: number;
  private blockedUntilMs = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly rate: Rate,
    private readonly clock: Clock,
    /** A test puts virtual time in its place. */
    private readonly rest: (ms: number, signal: AbortSignal) => Promise<void> = wait,
  ) {
    this.tokens = rate.burst;
    this.countedAtMs = clock.monotonicMs();
  }

  /** Resolves when a request may be made; rejects when the signal is aborted. */
  async take(signal: AbortSignal): Promise<void> {
    const turn = this.last.then(() => this.next(signal));
    // Who gives up does not hold up the others.
    this.last = turn.catch(() => undefined);
    await turn;
  }

  /** The server wants to be left alone for so long. */
  pause(ms: number): void {
    this.blockedUntilMs = Math.max(this.blockedUntilMs, this.clock.monotonicMs() + ms);
  }

  private async next(signal: AbortSignal): Promise<void> {
    for (let ms = this.waitMs(); ms > 0; ms = this.waitMs()) await this.rest(ms, signal);
    signal.throwIfAborted();
    this.tokens -= 1;
  }

  private waitMs(): number {
    const now = this.clock.monotonicMs();
    const { perSecond, burst } = this.rate;
    this.tokens = Math.min(burst, this.tokens + ((now - this.countedAtMs) / 1000) * perSecond);
    this.countedAtMs = now;
    const untilToken = this.tokens >= 1 ? 0 : Math.ceil(((1 - this.tokens) / perSecond) * 1000);
    return Math.max(untilToken, this.blockedUntilMs - now);
  }
}
