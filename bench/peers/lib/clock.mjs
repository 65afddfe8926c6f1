/** CLOCK_MONOTONIC in ms: the same clock in every process of this machine. */
export const now = () => Number(process.hrtime.bigint()) / 1e6;

/** The smallest value that at least `p` percent of the values do not exceed. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}
