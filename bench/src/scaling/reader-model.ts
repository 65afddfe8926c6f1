import { Fifo } from '../../../libs/broker/src/fifo';
import type { Follower } from './log-model';
import type { Simulation } from './simulation';
import { Meter } from './station';

export interface ReaderWork {
  readonly pageEvents: number;
  readonly restS: number;
  /** Handles a page of so many events, and says when it is done. */
  readonly handle: (events: number, done: () => void) => void;
  /** From a commit until the reader knows of it. */
  readonly wakeS: number;
}

/** Follows the log page by page, one after the other, with a rest after each that was not full. */
export class ReaderModel implements Follower {
  /** How long events were committed before they were handled, in seconds: of each page, that of its first. */
  readonly lags: number[] = [];
  readonly meter: Meter;
  handled = 0;
  private readonly waiting = new Fifo<{ count: number; readonly at: number }>();
  private backlog = 0;
  private isBusy = false;

  constructor(
    private readonly simulation: Simulation,
    private readonly work: ReaderWork,
  ) {
    this.meter = new Meter(simulation);
  }

  grew(events: number, at: number): void {
    this.backlog += events;
    this.waiting.push({ count: events, at });
    if (this.isBusy) return;
    this.isBusy = true;
    this.simulation.after(this.work.wakeS, () => this.step());
  }

  private step(): void {
    const { pageEvents, restS, handle } = this.work;
    const events = Math.min(this.backlog, pageEvents);
    if (events === 0) {
      this.isBusy = false;
      return;
    }
    const oldest = this.waiting.peek()?.at ?? this.simulation.now;
    this.meter.enter();
    handle(events, () => {
      this.meter.leave();
      this.handled += events;
      this.lags.push(this.simulation.now - oldest);
      this.forget(events);
      if (events === pageEvents) this.step();
      else this.simulation.after(restS, () => this.step());
    });
  }

  private forget(events: number): void {
    this.backlog -= events;
    for (let left = events; left > 0;) {
      const first = this.waiting.peek();
      if (first === undefined) return;
      const taken = Math.min(left, first.count);
      first.count -= taken;
      left -= taken;
      if (first.count === 0) this.waiting.shift();
    }
  }
}
