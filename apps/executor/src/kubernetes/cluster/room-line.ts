/**
 * Those who wait for room that others of the site hold, such as that of a quota. When one of these has ended, the one whose last try is
 * longest ago may try: by a back-off alone it would find out half a minute later.
 */
export class RoomLine {
  private readonly waiting = new Set<() => void>();
  private ends = 0;

  /** A pod has ended, or is gone. */
  freed(): void {
    this.ends++;
    const [next] = this.waiting;
    next?.();
  }

  /** For one pod that is to be created. To be left when there is nothing more to try. */
  place(): PlaceInLine {
    return new PlaceInLine(
      this.waiting,
      () => this.ends,
      () => this.freed(),
    );
  }
}

/** Has a turn from when it is given one until it waits again: then there was no room, and the next end gives the next turn. */
class PlaceInLine {
  private hasTurn = false;
  private endsBefore = 0;

  constructor(
    private readonly waiting: Set<() => void>,
    private readonly ends: () => number,
    private readonly passOn: () => void,
  ) {}

  /** Before each try: what ends during it may have ended too late for it. */
  tries(): void {
    this.endsBefore = this.ends();
  }

  /** Waits for a turn, at most so long. Answers whether it has one; at once when the signal is aborted. */
  async turn(atMostMs: number, signal: AbortSignal): Promise<boolean> {
    this.hasTurn = !signal.aborted && this.waiting.size === 0 && this.ends() !== this.endsBefore;
    if (signal.aborted || this.hasTurn) return this.hasTurn;
    return new Promise((resolve) => {
      const end = (isTurn: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.waiting.delete(freed);
        this.hasTurn = isTurn;
        resolve(isTurn);
      };
      const freed = () => end(true);
      const aborted = () => end(false);
      const timer = setTimeout(aborted, atMostMs);
      signal.addEventListener('abort', aborted);
      this.waiting.add(freed);
    });
  }

  /** A turn is passed on: where one has found room there may be more, and who was stopped needs none. */
  leave(): void {
    if (!this.hasTurn) return;
    this.hasTurn = false;
    this.passOn();
  }
}

export type { PlaceInLine };
