/**
 * Says "the log may have grown". Sticky: a wake that comes while a loop is at work is not lost, since the loop names
 * the last wake it knew of when it goes to sleep.
 */
export class Wakes {
  private count = 0;
  private hurried = 0;
  private readonly sleepers = new Set<() => void>();
  private readonly resting = new Set<() => void>();

  get last(): number {
    return this.count;
  }

  /** As {@link last}, for hurries. */
  get lastHurry(): number {
    return this.hurried;
  }

  wake(): void {
    this.count++;
    rouseAll(this.sleepers);
  }

  /** Somebody waits for what is read next: also those that rest go on at once. */
  hurry(): void {
    this.hurried++;
    this.wake();
    rouseAll(this.resting);
  }

  /** Resolves on a wake later than `seen`, after `ms`, or when the signal is aborted. */
  async sleep(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.count !== seen || signal.aborted) return;
    await untilRoused(this.sleepers, ms, signal);
  }

  /** Resolves after `ms`, whatever wakes come; sooner only by a hurry later than `seen`, or when the signal is aborted. */
  async rest(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0 && this.hurried === seen && !signal.aborted) await untilRoused(this.resting, ms, signal);
  }
}

function rouseAll(sleepers: Set<() => void>): void {
  for (const rouse of [...sleepers]) rouse();
}

async function untilRoused(sleepers: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const rouse = () => {
      clearTimeout(timer);
      sleepers.delete(rouse);
      signal.removeEventListener('abort', rouse);
      resolve();
    };
    const timer = setTimeout(rouse, ms);
    sleepers.add(rouse);
    signal.addEventListener('abort', rouse);
  });
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Wakes().sleep(0, ms, signal);
}
