/**
 * Those who wait for room that others of the site hold, such as that of a quota. When one of these has ended, the one whose last try is
 * longest ago may try: by a back-off alone it would find out half a minute later.
 */
export class RoomLine {
  private readonly waiting = new Set<() => void>();
  private ended = 0;
  /** The last end that nobody was in the line for. */
  private unclaimed = 0;

  /** How many have ended. */
  get ends(): number {
    return this.ended;
  }

  /** A pod has ended, or is gone. */
  freed(): void {
    this.ended++;
    const [next] = this.waiting;
    if (next === undefined) this.unclaimed = this.ended;
    else next();
  }

  /** For one pod that is to be created. To be left when there is nothing more to try. */
  place(): PlaceInLine {
    return new PlaceInLine(this);
  }

  /** Takes what has ended since then and was given to nobody: one alone gets it. */
  claim(since: number): boolean {
    if (this.waiting.size > 0 || this.unclaimed <= since) return false;
    this.unclaimed = 0;
    return true;
  }

  /** Answers how to leave. @param next called when it is its turn */
  join(next: () => void): () => void {
    this.waiting.add(next);
    return () => this.waiting.delete(next);
  }
}

/** Has a turn from when it is given one until it waits again: then there was no room, and the next end gives the next turn. */
export class PlaceInLine {
  private hasTurn = false;
  private endsBefore = 0;

  constructor(private readonly line: RoomLine) {}

  /** Before each try: what ends during it may have ended too late for it, as may what ends between a turn and its try. */
  tries(): void {
    if (!this.hasTurn) this.endsBefore = this.line.ends;
  }

  /** Waits for a turn, at most so long. Answers whether it has one; at once when the signal is aborted. */
  async turn(atMostMs: number, signal: AbortSignal): Promise<boolean> {
    this.hasTurn = false;
    if (signal.aborted) return false;
    if (this.line.claim(this.endsBefore)) this.take();
    else await this.given(atMostMs, signal);
    return this.hasTurn;
  }

  /** A turn is passed on: where one has found room there may be more, and who was stopped needs none. */
  leave(): void {
    if (!this.hasTurn) return;
    this.hasTurn = false;
    this.line.freed();
  }

  private take(): void {
    this.hasTurn = true;
    this.endsBefore = this.line.ends;
  }

  /** Resolves when it is its turn, or when there is no more to wait for. */
  private given(atMostMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        leaveLine();
        resolve();
      };
      const leaveLine = this.line.join(() => {
        this.take();
        end();
      });
      const timer = setTimeout(end, atMostMs);
      signal.addEventListener('abort', end);
    });
  }
}
