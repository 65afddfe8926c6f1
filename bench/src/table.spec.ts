import { renderTable, rounded } from './table';

describe('the table', () => {
  it('is Markdown with columns of equal width, without the figures of single processes', () => {
    const row = { workload: 'W1', mode: 'standalone', system: 'ryax', unit: 'ms', value: 1.2345, runs: 3 } as const;
    const table = renderTable([
      { ...row, metric: 'ms_per_step' },
      { ...row, metric: 'cpu_s.engine' },
    ]);
    expect(table.split('\n')).toEqual([
      '| Workload | Mode       | System | Metric      | Value   | Runs |',
      '| -------- | ---------- | ------ | ----------- | ------- | ---- |',
      '| W1       | standalone | ryax   | ms_per_step | 1.23 ms | 3    |',
    ]);
  });

  it('puts ratios into a table of their own, with the direction that is better and who is ahead', () => {
    const ratio = { mode: 'standalone', system: 'peer / ryax', unit: 'x', value: 2, runs: 3 } as const;
    const table = renderTable([
      { ...ratio, workload: 'W1', metric: 'ms_per_step_ratio' },
      { ...ratio, workload: 'W2 1000', metric: 'steps_per_s_ratio' },
    ]);
    expect(table.split('\n').slice(-4)).toEqual([
      '| Workload | Our mode   | Peer / ours | Metric            | Better | Ratio           | Pairs |',
      '| -------- | ---------- | ----------- | ----------------- | ------ | --------------- | ----- |',
      '| W1       | standalone | peer / ryax | ms_per_step_ratio | lower  | 2.00 x (ahead)  | 3     |',
      '| W2 1000  | standalone | peer / ryax | steps_per_s_ratio | higher | 2.00 x (behind) | 3     |',
    ]);
  });

  it.each([
    [0, '0'],
    [0.012345, '0.0123'],
    [99.94, '99.9'],
    [1234.5, '1235'],
    [Number.NaN, 'NaN'],
  ])('shows %d as %s', (value, text) => {
    expect(rounded(value)).toBe(text);
  });
});
