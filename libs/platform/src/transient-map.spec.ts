import fc from 'fast-check';
import { TransientMap } from './transient-map';

type Act = readonly ['set' | 'delete', number] | readonly ['clear', 0];

const act = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(fc.constantFrom('set' as const, 'delete' as const), fc.nat(8)) },
  { weight: 1, arbitrary: fc.constant(['clear', 0] as const) },
);

describe('a transient map', () => {
  it('holds what a Map would, in the same order', () => {
    fc.assert(
      fc.property(fc.array<Act>(act), (acts) => {
        const expected = new Map<number, { at: number }>();
        const found = new TransientMap<number, { at: number }>();
        acts.forEach(([what, key], at) => {
          if (what === 'clear') {
            expected.clear();
            found.clear();
          } else if (what === 'set') {
            expected.set(key, { at });
            found.set(key, { at });
          } else {
            expect(found.delete(key)).toEqual(expected.get(key));
            expected.delete(key);
          }
          expect(found.size).toBe(expected.size);
          expect(found.has(key)).toBe(expected.has(key));
          expect(found.get(key)).toEqual(expected.get(key));
        });
        expect([...found]).toEqual([...expected]);
        expect([...found.keys()]).toEqual([...expected.keys()]);
        expect([...found.values()]).toEqual([...expected.values()]);
      }),
    );
  });

  it('may be emptied while it is gone through', () => {
    const map = new TransientMap<number, { key: number }>();
    for (const key of [1, 2, 3]) map.set(key, { key });
    const seen: number[] = [];
    for (const [key] of map) {
      seen.push(key);
      map.delete(key);
      map.delete(3);
    }
    expect(seen).toEqual([1, 2]);
    expect(map.size).toBe(0);
  });
});
