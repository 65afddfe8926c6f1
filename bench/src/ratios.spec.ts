import { isBetterWhenHigher, ratiosOf, ratioText } from './ratios';
import type { Row } from './rows';

const row = (system: string, value: number, change: Partial<Row> = {}): Row => ({
  workload: 'W1',
  mode: 'distributed',
  system,
  metric: 'ms_per_step',
  unit: 'ms',
  value,
  runs: 1,
  ...change,
});
const isOurs = (system: string) => system.startsWith('ryax');

describe('ratios', () => {
  it('are the median of those within a repeat, not the ratio of the medians', () => {
    const repeats = [
      [row('ryax', 1), row('peer', 2)],
      [row('ryax', 10), row('peer', 10)],
      [row('ryax', 2), row('peer', 6)],
    ];
    expect(ratiosOf(repeats, isOurs)).toEqual([
      row('peer / ryax', 2, { metric: 'ms_per_step_ratio', unit: 'x', runs: 3 }),
    ]);
  });

  it('are taken with each mode and each form of ours', () => {
    const rows = [
      row('ryax', 1, { mode: 'standalone' }),
      row('ryax', 2),
      row('ryax (nodejs handler)', 4),
      row('peer', 4),
    ];
    expect(ratiosOf([rows], isOurs).map(({ system, mode, value }) => [system, mode, value])).toEqual([
      ['peer / ryax', 'standalone', 4],
      ['peer / ryax', 'distributed', 2],
      ['peer / ryax (nodejs handler)', 'distributed', 1],
    ]);
  });

  it('count only the repeats in which both were measured', () => {
    const [ratio, ...more] = ratiosOf([[row('ryax', 1), row('peer', 3)], [row('ryax', 1)], [row('peer', 9)]], isOurs);
    expect(ratio).toMatchObject({ value: 3, runs: 1 });
    expect(more).toEqual([]);
  });

  it('are of one workload and one metric', () => {
    const peer = [row('peer', 1, { workload: 'W3' }), row('peer', 1, { metric: 'total_ms' })];
    expect(ratiosOf([[row('ryax', 1), ...peer]], isOurs)).toEqual([]);
  });

  it.each([
    ['ms_per_step_ratio', 2, '2.00 x (ahead)'],
    ['ms_per_step_ratio', 0.5, '0.50 x (behind)'],
    ['steps_per_s_ratio', 2, '2.00 x (behind)'],
    ['steps_per_s_ratio', 0.5, '0.50 x (ahead)'],
  ])('%s of %d reads %s', (metric, value, text) => {
    expect(ratioText(metric, value)).toBe(text);
  });

  it('know rates from times and costs', () => {
    expect(['runs_per_s', 'start_p99_ms', 'cpu_us_per_step'].map(isBetterWhenHigher)).toEqual([true, false, false]);
  });
});
