import { membersOf } from './process-usage';

describe(membersOf.name, () => {
  // 1 → 10 (harness) → 20 (runner) → 21; 10 → 30 (postgres) → 31, 32; 1 → 40, of nobody.
  const parents = new Map([
    [10, 1],
    [20, 10],
    [21, 20],
    [30, 10],
    [31, 30],
    [32, 30],
    [40, 1],
  ]);

  it('counts each process once, with the group that is nearest above it', () => {
    const groups = { harness: [10], runner: [20], postgres: [30] };
    expect(Object.fromEntries(membersOf(groups, parents))).toEqual({
      harness: [10],
      runner: [20, 21],
      postgres: [30, 31, 32],
    });
  });

  it('leaves a group empty whose process has ended', () => {
    expect(Object.fromEntries(membersOf({ gone: [99] }, parents))).toEqual({ gone: [] });
  });
});
