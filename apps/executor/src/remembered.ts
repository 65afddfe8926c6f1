/**
 * Names that are remembered for a while: at least `forMs`, at most twice as long, the newest ones when there are too many.
 * Two generations instead of an age for each name: old ones are forgotten all at once, at no cost for each.
 */
export class Remembered {
  private young = new Set<string>();
  private old = new Set<string>();
  private turnedAtMs = 0;

  constructor(
    private readonly limit: number,
    private readonly forMs: number,
  ) {}

  add(name: string, nowMs: number): void {
    this.turn(nowMs);
    if (this.young.size >= this.limit / 2) this.nextGeneration(nowMs);
    this.young.add(name);
  }

  has(name: string, nowMs: number): boolean {
    this.turn(nowMs);
    return this.young.has(name) || this.old.has(name);
  }

  forget(name: string): void {
    this.young.delete(name);
    this.old.delete(name);
  }

  private turn(nowMs: number): void {
    const ageMs = nowMs - this.turnedAtMs;
    if (ageMs >= this.forMs) this.nextGeneration(nowMs);
    if (ageMs >= 2 * this.forMs) this.old.clear();
  }

  private nextGeneration(nowMs: number): void {
    this.old = this.young;
    this.young = new Set();
    this.turnedAtMs = nowMs;
  }
}
