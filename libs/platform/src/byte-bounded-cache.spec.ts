import fc from 'fast-check';
import { ByteBoundedCache } from './byte-bounded-cache';

describe('ByteBoundedCache', () => {
  it('lets go of what was not used for longest, once the sum of sizes passes the bound', () => {
    const evicted: string[] = [];
    const cache = new ByteBoundedCache<string, number>(30, (key) => evicted.push(key));
    cache.set('a', 1, 10);
    cache.set('b', 2, 10);
    cache.set('c', 3, 10);
    cache.get('a');
    cache.set('d', 4, 20);
    expect([...cache.keys()]).toEqual(['a', 'd']);
    expect([evicted, cache.bytes]).toEqual([['b', 'c'], 30]);
  });

  it('keeps one entry that is larger than the bound, or it could never be used', () => {
    const cache = new ByteBoundedCache<string, number>(30);
    cache.set('a', 1, 10);
    cache.set('large', 2, 1_000);
    expect([...cache.keys()]).toEqual(['large']);
  });

  it('counts the newest size of an entry only', () => {
    const cache = new ByteBoundedCache<string, number>(30);
    cache.set('a', 1, 10);
    cache.set('a', 2, 15);
    expect([cache.get('a'), cache.bytes, cache.size]).toEqual([2, 15, 1]);
    cache.delete('a');
    expect([cache.get('a'), cache.bytes, cache.size]).toEqual([undefined, 0, 0]);
  });

  it('is a list ordered by use from whose front entries fall until the sum fits', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const use = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key, bytes: fc.nat(20) }),
      fc.record({ do: fc.constantFrom('get' as const, 'delete' as const, 'clear' as const), key }),
    );
    fc.assert(
      fc.property(fc.array(use, { maxLength: 60 }), (uses) => {
        const evicted: string[] = [];
        const cache = new ByteBoundedCache<string, number>(30, (gone) => evicted.push(gone));
        let list: { key: string; bytes: number }[] = [];
        const fallen: string[] = [];
        for (const each of uses) {
          const there = list.find((entry) => entry.key === each.key);
          const others = list.filter((entry) => entry !== there);
          switch (each.do) {
            case 'set':
              cache.set(each.key, each.bytes, each.bytes);
              list = [...others, each];
              while (list.length > 1 && sumOf(list) > 30) fallen.push(list.shift()?.key ?? '');
              break;
            case 'get':
              expect(cache.get(each.key)).toBe(there?.bytes);
              if (there !== undefined) list = [...others, there];
              break;
            case 'delete':
              cache.delete(each.key);
              list = others;
              break;
            case 'clear':
              cache.clear();
              list = [];
          }
          expect([...cache.keys()]).toEqual(list.map((entry) => entry.key));
          expect([cache.bytes, cache.size, evicted]).toEqual([sumOf(list), list.length, fallen]);
        }
      }),
    );
  });
});

function sumOf(entries: readonly { bytes: number }[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}
