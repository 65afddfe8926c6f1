import type { EventLog, Readers } from '@ryax/event-log';
import { Wakes } from '../tail/wakes';
import { projectionReader } from './projections';

export interface Freshness {
  /** The position up to which the read models have looked: what is read now is at least as new. */
  readonly as_of: number;
  /** Whether something was committed before the query arrived that they have not seen. */
  readonly stale: boolean;
}

/** How long a list waits for its projection (PROTOCOLS §12). */
const patienceMs = 500;
/** For a replica that stands by, which is not told when the active one has projected. */
const pollMs = 20;

/** Says how fresh the read models are, and waits for them to catch up with what was committed before a query came. */
export class ProjectionProgress {
  private known = 0;
  private asking: Promise<void> | undefined;
  private readonly advanced = new Wakes();

  constructor(
    private readonly log: Pick<EventLog, 'lastPosition'>,
    private readonly readers: Pick<Readers, 'position'>,
    /** Rouses the projection, should the wake of the broker have been lost. */
    private readonly wakes: Wakes,
  ) {}

  /** Called by the projection in this process, if it is the active one. */
  reached(position: number): void {
    this.known = Math.max(this.known, position);
    this.advanced.wake();
  }

  /** The log may be another one: what was known means nothing. */
  reset(): void {
    this.known = 0;
  }

  async catchUp(): Promise<Freshness> {
    const committed = await this.log.lastPosition();
    if (this.known < committed) await this.waitFor(committed);
    return { as_of: this.known, stale: this.known < committed };
  }

  private async waitFor(committed: number): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs);
    while (this.known < committed && !deadline.aborted) {
      const seen = this.advanced.last;
      // Each time: what is asked for may be several pages away.
      this.wakes.hurry();
      await this.ask();
      if (this.known < committed) await this.advanced.sleep(seen, pollMs, deadline);
    }
  }

  /** One question at a time, however many lists wait. */
  private async ask(): Promise<void> {
    this.asking ??= this.readers.position(projectionReader).then((position) => this.reached(position));
    try {
      await this.asking;
    } finally {
      this.asking = undefined;
    }
  }
}
