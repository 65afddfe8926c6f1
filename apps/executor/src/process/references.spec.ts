import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTooDeep, limits, tooDeep, tooLarge, type JsonValue } from '@ryax/contracts';
import { LocalFileStore, putValue } from '@ryax/filestore';
import { mapFiles, mapPaths, UnfitValueError, ValueResolution } from './references';
import { ValueCache } from './value-cache';

const most = limits.valueDepth;

function nested(levels: number, innermost: JsonValue): JsonValue {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe('references that lead to further references', () => {
  let directory: string;
  let files: LocalFileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-references-'));
    files = await LocalFileStore.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const resolution = () => new ValueResolution(new ValueCache(files, 1e6));
  const resolve = (value: JsonValue) => resolution().resolve(value);
  const stored = async (value: JsonValue): Promise<JsonValue> => ({ ...(await putValue(files, value)) });

  /** Each part is stored on its own and refers to the next. */
  const chained = async (levels: number, perPart: number, innermost: JsonValue) => {
    let value = innermost;
    for (let level = 0; level < levels; level += perPart) {
      value = await stored(nested(Math.min(perPart, levels - level), value));
    }
    return value;
  };

  it.each([
    ['ten', 10],
    ['a hundred', 100],
  ])('are resolved to as many levels as any value may have, %s a part', async (_, perPart) => {
    expect(await resolve(await chained(most, perPart, 1))).toEqual(nested(most, 1));
    expect(await resolve(await chained(most, perPart, []))).toEqual(nested(most, []));
  });

  it.each([
    ['one more', most + 1, 100],
    ['far more', 20 * most, most],
  ])('are refused where they nest deeper: %s', async (_, levels, perPart) => {
    const refused = resolve(await chained(levels, perPart, 1));

    await expect(refused).rejects.toThrow(UnfitValueError);
    await expect(refused).rejects.toThrow(tooDeep);
  });

  it('are judged at each place where they stand', async () => {
    const part = await stored(nested(most - 1, 1));

    expect(await resolve([part, part])).toEqual([nested(most - 1, 1), nested(most - 1, 1)]);
    await expect(resolve([part, [part]])).rejects.toThrow(tooDeep);
  });

  /** Each part is stored on its own and refers twice to the next. */
  const doubled = async (parts: number, innermost: JsonValue) => {
    let value = await stored(innermost);
    for (let part = 0; part < parts; part++) value = await stored({ a: value, b: value });
    return value;
  };

  it('are resolved once, however many ways lead to them', async () => {
    const value = await doubled(20, [1]);
    const read = jest.spyOn(ValueCache.prototype, 'get');

    const resolved = await resolve(value);

    expect(read).toHaveBeenCalledTimes(21);
    expect(resolved).toMatchObject({ a: expect.anything(), b: expect.anything() });
    read.mockRestore();
  });

  it('are refused where they are too large written out', async () => {
    const refused = resolve(await doubled(60, [1]));

    await expect(refused).rejects.toThrow(UnfitValueError);
    await expect(refused).rejects.toThrow(tooLarge);
  });

  it('are not read any more where they are too large together', async () => {
    const size = limits.valueBytes / 2 + 1;
    const whole = async (value: JsonValue) => ({ ...((await stored(value)) as object), size });
    const [a, b] = [await whole([1]), await whole([2])];
    const read = jest.spyOn(ValueCache.prototype, 'get');

    await expect(resolve({ a, again: a, b })).rejects.toThrow(tooLarge);
    expect(read).toHaveBeenCalledTimes(1);
    read.mockRestore();
  });

  it('may lead to small parts of what is large', async () => {
    const { $value, size } = (await stored({ part: 1, other: 'x'.repeat(100) })) as { $value: string; size: number };
    const other = (await stored({ part: 2 })) as { $value: string };
    const part = (hash: string) => ({ $value: hash, size: limits.valueBytes - size, path: ['part'] });

    expect(await resolve([part($value), part(other.$value)])).toEqual([1, 2]);
  });

  it('are too large where several inputs are so together', async () => {
    const of = resolution();
    await of.resolve('x'.repeat(limits.valueBytes / 2));

    await expect(of.resolve('x'.repeat(limits.valueBytes / 2))).rejects.toThrow(tooLarge);
  });

  it('have their files put once where they are one, and their places are taken by one', async () => {
    const file = { $file: `sha256:${'a'.repeat(64)}`, name: 'a.csv', size: 1, kind: 'file' };
    const of = resolution();
    const resolved = await of.resolve(await doubled(12, { file, rows: [1, 2] }));
    const put = jest.fn(() => Promise.resolve('/inputs/a.csv'));

    const placed = await mapFiles(resolved, put, of.referred);

    expect(put).toHaveBeenCalledTimes(1);
    const there = (what: JsonValue) => JSON.stringify(what).length;
    expect(there(placed)).toBe(there(resolved) - 2 ** 12 * (there(file) - there('/inputs/a.csv')));
  });
});

describe('an output that holds paths', () => {
  const act = (path: string) => Promise.resolve(`stored ${path}`);

  it.each([
    ['a value', 1],
    ['an empty list', []],
  ])('is as deep as any value may be, with %s at its bottom', async (_, innermost) => {
    const [deep, deeper] = [nested(most, innermost), nested(most + 1, innermost)];

    expect([deep, deeper].map(isTooDeep)).toEqual([false, true]);
    expect(await mapPaths(deep, act)).toEqual(deep);
    await expect(mapPaths(deeper, act)).rejects.toThrow(tooDeep);
  });
});
