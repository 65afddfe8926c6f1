/** All fuzz specs together: enough to find what is likely, in about the time of any other spec. */
const defaultCases = 2_000;

/**
 * How many cases a fuzz spec tries: its share of `RYAX_FUZZ_CASES`, which a long run sets to 100,000 or more.
 *
 * @param percent of all cases
 */
export function fuzzCases(percent: number): number {
  const asked = process.env['RYAX_FUZZ_CASES'];
  if (asked !== undefined && !/^[1-9]\d{0,8}$/.test(asked)) {
    throw new Error(`Expected a whole number of cases in RYAX_FUZZ_CASES, found ${asked}`);
  }
  return Math.ceil((Number(asked ?? defaultCases) * percent) / 100);
}

/** A long run takes minutes; a case that hangs is found all the same, for each has a few milliseconds on average. */
export const fuzzTimeoutMs = 60_000 + fuzzCases(100) * 30;
