import fc from 'fast-check';
import { ownedPartitions } from './partitions';

const runners = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 });

describe('ownedPartitions', () => {
  it('gives every partition to exactly one runner, whatever the order in which they are listed', () => {
    fc.assert(
      fc.property(runners, fc.integer({ min: 1, max: 64 }), (members, partitions) => {
        const all = members.flatMap((self) => ownedPartitions(self, members, partitions));
        expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, index) => index));
        const reversed = [...members].reverse();
        for (const self of members) {
          expect(ownedPartitions(self, reversed, partitions)).toEqual(ownedPartitions(self, members, partitions));
        }
      }),
    );
  });

  it('moves only the partitions of a runner that leaves', () => {
    fc.assert(
      fc.property(runners, (members) => {
        const [leaving, ...staying] = members;
        if (leaving === undefined || staying.length === 0) return;
        for (const self of staying) {
          const before = ownedPartitions(self, members, 32);
          const after = ownedPartitions(self, staying, 32);
          expect(before.every((partition) => after.includes(partition))).toBe(true);
        }
      }),
    );
  });

  it('spreads partitions over the runners', () => {
    const members = ['a', 'b', 'c'];
    const shares = members.map((self) => ownedPartitions(self, members, 96).length);
    expect(Math.min(...shares)).toBeGreaterThan(16);
  });
});
