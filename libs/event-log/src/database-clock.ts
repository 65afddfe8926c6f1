/** One answer of the database to "what time is it", with the monotonic times around the question. */
export interface ClockReading {
  readonly databaseMs: number;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/**
 * The database's clock without asking it: an offset learnt from its answers, advanced by the monotonic clock. What
 * this machine believes about the date plays no part. It follows the database's clock back, too, when that is set back.
 */
export class DatabaseClock {
  private best: { readonly offsetMs: number; readonly errorMs: number; readonly learntAt: number } | undefined;

  constructor(private readonly monotonicMs: () => number) {}

  /** Milliseconds since the epoch, whole. */
  now(): number {
    if (!this.best) throw new Error('Expected the database clock to have been read at least once, found no reading');
    return Math.floor(this.monotonicMs() + this.best.offsetMs);
  }

  /** Asks by `read` and learns from the answer. */
  async refresh(read: () => Promise<number>): Promise<number> {
    const askedAt = this.monotonicMs();
    const databaseMs = await read();
    this.learn({ databaseMs, askedAt, answeredAt: this.monotonicMs() });
    return databaseMs;
  }

  /** Keeps the sharper reading, unless the new one proves the old one wrong. */
  learn({ databaseMs, askedAt, answeredAt }: ClockReading): void {
    const errorMs = (answeredAt - askedAt) / 2;
    const offsetMs = databaseMs - (askedAt + errorMs);
    const known = this.best;
    if (known) {
      const knownErrorMs = known.errorMs + (answeredAt - known.learntAt) * driftPerMs;
      const agree = Math.abs(offsetMs - known.offsetMs) <= errorMs + knownErrorMs + readingGrainMs;
      if (agree && errorMs > knownErrorMs) return;
    }
    this.best = { offsetMs, errorMs, learntAt: answeredAt };
  }
}

/** Two quartz clocks differ by less than 100 ppm; clocks that are being slewed by NTP by up to 500 ppm more. */
const driftPerMs = 0.000_6;
/** The database answers in whole milliseconds. */
const readingGrainMs = 1;
