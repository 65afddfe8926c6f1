/** How many candidates one {@link Suggester} looks at in all: a definition with 100,000 typos is still refused at once. */
const candidatesPerDocument = 2_000_000;
/** Characters. Comparing takes time by both lengths multiplied, and nobody has mistyped what is longer. */
const longestName = 200;

/** Finds the name that was probably meant. */
export class Suggester {
  private remaining = candidatesPerDocument;

  /** `; did you mean "split"?`, or nothing when no candidate is near. */
  didYouMean(name: string, candidates: Iterable<string>): string {
    const near = this.nearest(name, candidates);
    return near === undefined ? '' : `; did you mean "${near}"?`;
  }

  private nearest(name: string, candidates: Iterable<string>): string | undefined {
    if (name.length > longestName) return undefined;
    let bound = Math.max(1, Math.floor(name.length / 3)) + 1;
    let best: string | undefined;
    for (const candidate of candidates) {
      if (this.remaining-- <= 0) break;
      if (Math.abs(candidate.length - name.length) >= bound || candidate === name) continue;
      const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
      // A name of one letter is as near to every other: nothing is suggested for it.
      if (distance < Math.min(bound, name.length, candidate.length)) [bound, best] = [distance, candidate];
    }
    return best;
  }
}

/** Damerau-Levenshtein in its restricted form: insertions, deletions, substitutions, swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          (last[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (last[j - 1] ?? 0) + (isSame ? 0 : 1),
          isSwap ? (beforeLast[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
