import { setImmediate } from 'node:timers/promises';

const maxBlockMs = 100;
/** Looking at the clock for each event would cost more than most events. */
const checkEvery = 64;

/** Lets others run when a loop has held the thread for 100 ms: beats must not miss their time. */
export class Yielding {
  private steps = 0;
  private since = performance.now();

  /** To be awaited where it gives something to wait for: mostly it does not, and then waiting would cost a turn. */
  pause(): Promise<void> | undefined {
    this.steps++;
    if (this.steps % checkEvery !== 0 || performance.now() - this.since < maxBlockMs) return undefined;
    return this.yield();
  }

  private async yield(): Promise<void> {
    await setImmediate();
    this.since = performance.now();
  }
}
