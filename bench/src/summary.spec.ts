import type { Row } from './rows';
import { renderSummary } from './summary';

const row = (workload: string, metric: string, value: number, change: Partial<Row> = {}): Row => ({
  workload,
  mode: 'distributed',
  system: 'ryax',
  metric,
  unit: '',
  value,
  runs: 1,
  ...change,
});

/** The cells of the line whose label begins so. */
function line(rows: readonly Row[], label: string): string[] {
  const found = renderSummary(rows, 'ryax')
    .split('\n')
    .find((each) => each.startsWith(`| ${label}`));
  return (found ?? '')
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim());
}

describe('the summary', () => {
  it('has a line for each workload, also where nothing was measured', () => {
    const labels = renderSummary([], 'ryax')
      .split('\n')
      .map((each) => /^\| (\w+)/.exec(each)?.[1]);
    expect(labels.filter((label) => label !== undefined)).toEqual([
      'W1',
      'W2',
      'W2',
      'W3',
      'W4',
      'CPU',
      'W5',
      'W6',
      'W7',
      'W8',
      'W9',
    ]);
    expect(line([], 'W1')).toEqual(['–', '–', '≤ 3 ms; ≤ 1 ms', '–']);
  });

  it('shows both modes, and leaves other forms of ours out', () => {
    const rows = [
      row('W1', 'ms_per_step', 2.5),
      row('W1', 'ms_per_step', 0.8, { mode: 'standalone' }),
      row('W1', 'ms_per_step', 0.1, { system: 'ryax (nodejs handler)' }),
    ];
    expect(line(rows, 'W1')).toEqual(['2.5 ms', '0.8 ms', '≤ 3 ms; ≤ 1 ms', '–']);
  });

  it('puts several figures into one cell, each unit once', () => {
    const rows = [
      row('W4', 'start_p50_ms', 4),
      row('W4', 'start_p99_ms', 9),
      row('W5 10000', 'rss_mib.runner-1', 300),
      row('W5 10000', 'start_p50_ratio', 1.1),
      row('W5 0', 'start_p50_ms', 3),
    ];
    expect(line(rows, 'W4')[0]).toBe('4 / 9 ms');
    expect(line(rows, 'W5')[0]).toBe('300 MiB / 1.1 x');
  });

  it('takes the median of recorded workflows', () => {
    const rows = [1, 1.2, 1.1].map((value, at) => row(`W8 trace${at} k=8`, 'makespan_again_ratio', value));
    expect(line(rows, 'W8')[0]).toBe('1.1 / – x');
  });

  it('names the best peer, which for a rate is the fastest, with its ratios', () => {
    const rows = [
      row('W2 5000', 'steps_per_s', 9000),
      row('W2 5000', 'steps_per_s', 3000, { system: 'slow' }),
      row('W2 5000', 'steps_per_s', 6000, { system: 'fast' }),
      row('W2 5000', 'steps_per_s_ratio', 0.67, { system: 'fast / ryax' }),
      row('W2 5000', 'steps_per_s_ratio', 1.5, { system: 'fast / ryax', mode: 'standalone' }),
      row('W1', 'ms_per_step', 5, { system: 'slow' }),
      row('W1', 'ms_per_step', 1, { system: 'fast' }),
    ];
    expect(line(rows, 'W2 5,000 runs of 3 ')[3]).toBe('fast 6000 steps/s: 0.67 x (ahead); 1.50 x (behind)');
    expect(line(rows, 'W1')[3]).toBe('fast 1 ms');
  });
});
