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
});
