import type { Clock, Log } from '@ryax/platform';

/** A callback that is due once. Cancelling it twice, or after it ran, changes nothing. */
export interface Timer {
  cancel(): void;
}

/** Calls back once, when `ms` have passed; answers how to call it off. A test puts virtual time in its place. */
export type Alarm = (ms: number, callback: () => void) => () => void;

export const systemAlarm: Alarm = (ms, callback) => {
  const timeout = setTimeout(callback, ms);
  return () => clearTimeout(timeout);
};

/** A longer one overflows `setTimeout`, which then fires at once. */
const longestAlarmMs = 24 * 60 * 60 * 1000;

interface Entry {
  readonly dueMs: number;
  readonly callback: () => void;
  /** Its place in the heap; -1 once it has run or was cancelled. */
  place: number;
}

/**
 * All waits of one executor in one binary heap with one alarm of the system: ten thousand attempts may sleep at once.
 * On the monotonic clock, so a change of the machine's date moves nothing.
 */
export class Timers {
  private readonly heap: Entry[] = [];
  private armed: { readonly dueMs: number; readonly disarm: () => void } | undefined;
  private closed = false;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly alarm: Alarm = systemAlarm,
  ) {}

  get size(): number {
    return this.heap.length;
  }

  after(ms: number, callback: () => void): Timer {
    const entry: Entry = { dueMs: this.clock.monotonicMs() + Math.max(0, ms), callback, place: this.heap.length };
    if (this.closed) return { cancel: () => undefined };
    this.heap.push(entry);
    this.rise(entry);
    this.arm();
    return { cancel: () => this.cancel(entry) };
  }

  /** Waits for the promise, but no longer than `ms`; whether it resolved in time. */
  async atMost(ms: number, promise: Promise<void>): Promise<boolean> {
    let timer: Timer | undefined;
    const late = new Promise<false>((resolve) => {
      timer = this.after(ms, () => resolve(false));
    });
    try {
      return await Promise.race([promise.then(() => true), late]);
    } finally {
      timer?.cancel();
    }
  }

  /** Calls off everything; what is added later never runs. */
  close(): void {
    this.closed = true;
    this.heap.length = 0;
    this.armed?.disarm();
    this.armed = undefined;
  }

  private cancel(entry: Entry): void {
    if (this.heap[entry.place] === entry) this.remove(entry);
  }

  private ring(): void {
    this.armed = undefined;
    const now = this.clock.monotonicMs();
    for (let first = this.heap[0]; first !== undefined && first.dueMs <= now; first = this.heap[0]) {
      this.remove(first);
      try {
        first.callback();
      } catch (error) {
        this.log.error('A timer failed', { error });
      }
    }
    this.arm();
  }

  private arm(): void {
    const first = this.heap[0];
    if (this.closed || first === undefined || (this.armed !== undefined && this.armed.dueMs <= first.dueMs)) return;
    this.armed?.disarm();
    const ms = Math.min(longestAlarmMs, Math.max(0, first.dueMs - this.clock.monotonicMs()));
    this.armed = { dueMs: first.dueMs, disarm: this.alarm(Math.ceil(ms), () => this.ring()) };
  }

  private remove(entry: Entry): void {
    const { place } = entry;
    entry.place = -1;
    const last = this.heap.pop();
    if (last === undefined || last === entry) return;
    this.put(last, place);
    this.rise(last);
    this.sink(last);
  }

  private rise(entry: Entry): void {
    for (;;) {
      const above = (entry.place - 1) >> 1;
      const parent = this.heap[above];
      if (entry.place === 0 || parent === undefined || parent.dueMs <= entry.dueMs) return;
      this.put(parent, entry.place);
      this.put(entry, above);
    }
  }

  private sink(entry: Entry): void {
    for (;;) {
      const below = this.earlierOf(2 * entry.place + 1, 2 * entry.place + 2);
      if (below === undefined || entry.dueMs <= below.dueMs) return;
      const { place } = below;
      this.put(below, entry.place);
      this.put(entry, place);
    }
  }

  private earlierOf(left: number, right: number): Entry | undefined {
    const one = this.heap[left];
    const other = this.heap[right];
    return one !== undefined && other !== undefined && other.dueMs < one.dueMs ? other : one;
  }

  private put(entry: Entry, place: number): void {
    this.heap[place] = entry;
    entry.place = place;
  }
}
