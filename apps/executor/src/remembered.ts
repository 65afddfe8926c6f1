/**
 * Names, each with a number, that are remembered for a while: at least `forMs`, at most twice as long, the newest ones when there are too many.
 * Two generations instead of an age for each name: old ones are forgotten all at once, at no cost for each.
 */
export class Remembered {
  private young = new Map<string, number>();
  private old = new Map<string, number>();
  private turnedAtMs = 0;

  constructor(
    private readonly limit: number,
    private readonly forMs: number,
  ) {}

  add(name: string, nowMs: number, value = 0): void {
    this.turn(nowMs);
    if (this.young.size >= this.limit / 2) this.nextGeneration(nowMs);
    this.young.set(name, value);
  }

  has(name: string, nowMs: number): boolean {
    return this.get(name, nowMs) !== undefined;
  }

  get(name: string, nowMs: number): number | undefined {
    this.turn(nowMs);
    return this.young.get(name) ?? this.old.get(name);
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
    this.young = new Map();
    this.turnedAtMs = nowMs;
  }
}
