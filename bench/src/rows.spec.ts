import { median, overRepeats, percentile, type Row } from './rows';

const row = (change: Partial<Row>): Row => ({
  workload: 'W1',
  mode: 'standalone',
  system: 'ryax',
  metric: 'ms_per_step',
  unit: 'ms',
  value: 1,
  runs: 1,
  ...change,
});

describe('figures', () => {
  it.each([
    [50, 2],
    [75, 3],
    [99, 4],
    [0, 1],
  ])('have as their %d-th percentile a value that was measured', (percent, expected) => {
    expect(percentile([4, 1, 3, 2], percent)).toBe(expected);
  });

  it('have a median, between two where their number is even', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
  });

  it('of nothing are no number', () => {
    expect(percentile([], 50)).toBeNaN();
    expect(median([])).toBeNaN();
  });
});

describe('rows of several repeats', () => {
  it('become one for each figure, with the median and the number of repeats', () => {
    const rows = [row({ value: 3 }), row({ metric: 'other', value: 7 }), row({ value: 1 }), row({ value: 2 })];
    expect(overRepeats(rows)).toEqual([row({ value: 2, runs: 3 }), row({ metric: 'other', value: 7 })]);
  });

  it('keep modes, systems and workloads apart', () => {
    const rows = [row({}), row({ mode: 'distributed' }), row({ system: 'peer' }), row({ workload: 'W2' })];
    expect(overRepeats(rows)).toEqual(rows);
  });
});
