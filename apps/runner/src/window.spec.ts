import fc from 'fast-check';
import { RecentEnds, windowShare } from './window';

describe('windowShare', () => {
  it('gives all of it to the only runner with work', () => {
    expect(windowShare(8, 100, 0)).toBe(8);
  });

  it('gives in proportion, and at least one', () => {
    expect(windowShare(8, 10, 10)).toBe(4);
    expect(windowShare(8, 1, 1_000)).toBe(1);
  });

  it('gives nothing where nobody has a slot', () => {
    expect(windowShare(0, 5, 0)).toBe(0);
  });

  it('never hands out more in all than the window and one for each runner', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 6 }),
        (window, wanted) => {
          const all = wanted.reduce((sum, each) => sum + each, 0);
          const shares = wanted.map((mine) => windowShare(window, mine, all - mine));
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(window + wanted.length);
        },
      ),
    );
  });
});

describe('RecentEnds', () => {
  it('widens the window by what ended during the last 100 ms', () => {
    const ends = new RecentEnds();
    ends.ended('default', 3, 1_000);
    ends.ended('default', 4, 1_080);
    expect(ends.count('default', 1_090)).toBe(7);
    expect(ends.count('default', 1_150)).toBe(4);
    expect(ends.count('default', 1_300)).toBe(0);
    expect(ends.count('gpu', 1_000)).toBe(0);
  });
});
