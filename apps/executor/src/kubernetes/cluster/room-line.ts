/**
 * Those who wait for room that others of the site hold, such as that of a quota. Whenever one of these has ended, the one who has waited
 * longest may try: by a back-off alone it would find out half a minute later.
 */
export class RoomLine {
  private readonly waiting = new Set<() => void>();

  /** A pod has ended, or is gone. */
  freed(): void {
    const [next] = this.waiting;
    next?.();
  }

  /** Waits for a turn, at most so long. Answers whether it was given one; returns at once when the signal is aborted. */
  async turn(atMostMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    return new Promise((resolve) => {
      const end = (isTurn: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.waiting.delete(freed);
        resolve(isTurn);
      };
      const freed = () => end(true);
      const aborted = () => end(false);
      const timer = setTimeout(() => end(false), atMostMs);
      signal.addEventListener('abort', aborted);
      this.waiting.add(freed);
    });
  }
}
