/**
 * Says "the log may have grown". Sticky: a wake that comes while a loop is at work is not lost, since the loop names
 * the last wake it knew of when it goes to sleep.
 */
export class Wakes {
  private count = 0;
  private readonly sleepers = new Set<() => void>();

  get last(): number {
    return this.count;
  }

  wake(): void {
    this.count++;
    for (const rouse of this.sleepers) rouse();
    this.sleepers.clear();
  }

  /** Resolves on a wake later than `seen`, after `ms`, or when the signal is aborted. */
  async sleep(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.count !== seen || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const rouse = () => {
        clearTimeout(timer);
        this.sleepers.delete(rouse);
        signal.removeEventListener('abort', rouse);
        resolve();
      };
      const timer = setTimeout(rouse, ms);
      this.sleepers.add(rouse);
      signal.addEventListener('abort', rouse);
    });
  }
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Wakes().sleep(0, ms, signal);
}
