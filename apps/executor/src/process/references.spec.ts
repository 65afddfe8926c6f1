import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTooDeep, limits, tooDeep, type JsonValue } from '@ryax/contracts';
import { LocalFileStore, putValue } from '@ryax/filestore';
import { mapPaths, UnfitValueError, ValueResolution } from './references';
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

  const resolve = (value: JsonValue) => new ValueResolution(new ValueCache(files, 1e6)).resolve(value);
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

  it('are resolved once, however many ways lead to them', async () => {
    let value = await stored([1]);
    for (let part = 0; part < 60; part++) value = await stored({ a: value, b: value });
    const read = jest.spyOn(ValueCache.prototype, 'get');

    const resolved = await resolve(value);

    expect(read).toHaveBeenCalledTimes(61);
    expect(resolved).toMatchObject({ a: expect.anything(), b: expect.anything() });
    read.mockRestore();
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
