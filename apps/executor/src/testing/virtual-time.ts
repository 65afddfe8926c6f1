import { Clock } from '@ryax/platform';
import type { Alarm } from '../timers';

interface Pending {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that stands until a test moves it, and the alarms set by it. */
export class VirtualTime extends Clock {
  private nowMs = 1_000;
  private pending: Pending[] = [];

  override monotonicMs(): number {
    return this.nowMs;
  }

  readonly alarm: Alarm = (ms, callback) => {
    const entry = { dueMs: this.nowMs + ms, callback };
    this.pending.push(entry);
    return () => {
      this.pending = this.pending.filter((other) => other !== entry);
    };
  };

  get alarms(): number {
    return this.pending.length;
  }

  /** Time passes; what falls due happens when it is due. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    for (let next = this.firstDue(untilMs); next !== undefined; next = this.firstDue(untilMs)) {
      this.pending = this.pending.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.nowMs = untilMs;
  }

  /** The process is stopped: time passes, nothing happens. */
  freeze(ms: number): void {
    this.nowMs += ms;
  }

  private firstDue(untilMs: number): Pending | undefined {
    const due = this.pending.filter(({ dueMs }) => dueMs <= untilMs).sort((one, other) => one.dueMs - other.dueMs);
    return due[0];
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
