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
