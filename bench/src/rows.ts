/** One figure. `value` is the median over `runs` repeats of the whole workload. */
export interface Row {
  /** `W1`, `W2 5000`, `W4 while 10000 wait`. */
  readonly workload: string;
  readonly mode: Mode;
  /** `ryax`, `ryax (nodejs handler)`, or a peer. */
  readonly system: string;
  /** `ms_per_step`, `steps_per_s`, `cpu_us_per_step`, `peak_rss_mib.runner`, … */
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  readonly runs: number;
}

export type Mode = 'standalone' | 'distributed';

/** What a workload measures: its rows without who and where. One that measures several sizes says of which each figure is. */
export type Figure = Pick<Row, 'metric' | 'unit' | 'value'> & Partial<Pick<Row, 'workload'>>;

/** Nearest rank, as a sorted list has it: no value is invented between two. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** Rows of several repeats as one row for each figure, with its median. In the order of their first appearance. */
export function overRepeats(rows: readonly Row[]): Row[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.workload, row.mode, row.system, row.metric]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined
      ? []
      : [{ ...first, value: median(group.map(({ value }) => value)), runs: group.length }];
  });
}
