/**
 * Counts the work of one evaluation. No CEL library bounds it, and one `exists` over 100,000 elements holds up
 * everything else for a tenth of a second. Loops, comparisons and copies are charged when they begin, by the size of
 * what they are about to walk, so a runaway expression stops before its work, not after.
 */
export class Meter {
  private remaining = 0;

  start(steps: number): void {
    this.remaining = steps;
  }

  spend(steps: number): void {
    this.remaining -= steps;
    if (this.remaining < 0) throw exhausted;
  }

  get isExhausted(): boolean {
    return this.remaining < 0;
  }
}

/** Made once: a loop may meet it for every element, and a stack trace for each would cost more than the loop. */
const exhausted = new Error('too much work');

/** Characters that cost as much as one element. */
export const charactersPerStep = 128;

/** The size of a value as a loop or function sees it. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / charactersPerStep;
  if (Array.isArray(value)) return 1 + value.length;
  return typeof value === 'object' && value !== null ? 1 + Object.keys(value).length : 1;
}
