import { Fifo } from '../../../libs/broker/src/fifo';
import type { Simulation } from './simulation';

/** How much of the time servers were at work, since it was last told to begin. */
export class Meter {
  private active = 0;
  private area = 0;
  private changedAt = 0;
  private begunAt = 0;

  constructor(private readonly simulation: Simulation) {}

  enter(): void {
    this.change(1);
  }

  leave(): void {
    this.change(-1);
  }

  /** What was before does not count. */
  begin(): void {
    this.change(0);
    this.area = 0;
    this.begunAt = this.simulation.now;
  }

  /** Servers at work on average. */
  get mean(): number {
    this.change(0);
    const seconds = this.simulation.now - this.begunAt;
    return seconds === 0 ? 0 : this.area / seconds;
  }

  private change(by: number): void {
    this.area += this.active * (this.simulation.now - this.changedAt);
    this.changedAt = this.simulation.now;
    this.active += by;
  }
}

/** What serves: who asks waits in line until a server is free, is served for so long, and is told. */
export interface Server {
  serve(seconds: number, served: () => void): void;
  readonly meter: Meter;
  readonly servers: number;
}

interface Job {
  readonly seconds: number;
  readonly served: () => void;
}

/** Servers with one line in front of them: cores, threads, queues, slots. First come, first served. */
export class Station implements Server {
  readonly meter: Meter;
  private readonly waiting = new Fifo<Job>();
  private busy = 0;

  /** @param host the cores that its servers share with others; without one each has a core of its own */
  constructor(
    private readonly simulation: Simulation,
    readonly servers: number,
    private readonly host?: Host,
  ) {
    this.meter = new Meter(simulation);
  }

  serve(seconds: number, served: () => void): void {
    const job = { seconds, served };
    if (this.busy < this.servers) this.start(job);
    else this.waiting.push(job);
  }

  private start({ seconds, served }: Job): void {
    this.busy++;
    const end = () => {
      this.busy--;
      const next = this.waiting.shift();
      if (next !== undefined) this.start(next);
      served();
    };
    if (this.host !== undefined) return this.host.run(seconds, this.meter, end);
    this.meter.enter();
    this.simulation.after(seconds, () => {
      this.meter.leave();
      end();
    });
  }
}

interface Runnable {
  left: number;
  readonly meter: Meter;
  readonly done: () => void;
}

/** Cores of one machine, shared in turns by all that runs on it. */
export class Host {
  readonly meter: Meter;
  private readonly ready = new Fifo<Runnable>();
  private busy = 0;

  constructor(
    private readonly simulation: Simulation,
    readonly servers: number,
    private readonly turnS = 0.001,
  ) {
    this.meter = new Meter(simulation);
  }

  run(seconds: number, meter: Meter, done: () => void): void {
    this.ready.push({ left: seconds, meter, done });
    if (this.busy < this.servers) this.turn();
  }

  private turn(): void {
    const next = this.ready.shift();
    if (next === undefined) return;
    this.busy++;
    const seconds = Math.min(this.turnS, next.left);
    this.meter.enter();
    next.meter.enter();
    this.simulation.after(seconds, () => {
      this.meter.leave();
      next.meter.leave();
      this.busy--;
      next.left -= seconds;
      if (next.left > 0) this.ready.push(next);
      else next.done();
      if (this.busy < this.servers) this.turn();
    });
  }
}

/** A log device: commits that wait while it flushes share the next flush. */
export class GroupCommit {
  readonly meter: Meter;
  private waiting: { readonly bytes: number; readonly committed: () => void }[] = [];
  private isFlushing = false;

  constructor(
    private readonly simulation: Simulation,
    private readonly costs: { readonly flushS: number; readonly bytesPerS: number },
  ) {
    this.meter = new Meter(simulation);
  }

  commit(bytes: number, committed: () => void): void {
    this.waiting.push({ bytes, committed });
    if (!this.isFlushing) this.flush();
  }

  private flush(): void {
    const group = this.waiting;
    if (group.length === 0) return;
    this.waiting = [];
    this.isFlushing = true;
    this.meter.enter();
    const bytes = group.reduce((sum, each) => sum + each.bytes, 0);
    this.simulation.after(this.costs.flushS + bytes / this.costs.bytesPerS, () => {
      this.meter.leave();
      this.isFlushing = false;
      for (const { committed } of group) committed();
      if (!this.isFlushing) this.flush();
    });
  }
}
