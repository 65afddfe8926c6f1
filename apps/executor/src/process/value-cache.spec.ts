import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalFileStore, putValue } from '@ryax/filestore';
import { ValueResolution } from './references';
import { ValueCache } from './value-cache';

describe('references to values', () => {
  let directory: string;
  let files: LocalFileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-values-'));
    files = await LocalFileStore.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('are resolved whole, in part, inside other values, and through each other', async () => {
    const values = new ValueCache(files, 1e6);
    const { $value: inner, size } = await putValue(files, { deep: [1, 2] });
    const outer = await putValue(files, [{ ref: { $value: inner, size } }]);
    const at = (...path: (string | number)[]) => ({ $value: outer.$value, size: outer.size, path });

    expect(await new ValueResolution(values).resolve(outer)).toEqual([{ ref: { deep: [1, 2] } }]);
    expect(await new ValueResolution(values).resolve({ a: [at(0, 'ref', 'deep', 1)] })).toEqual({ a: [2] });
  });

  it.each([[[1]], [['length']], [[0, 'missing']], [[0, 'ref', 'x']], [['constructor']]])(
    'at %j, where nothing is, fail',
    async (path) => {
      const list = await putValue(files, [{ ref: 1 }]);

      await expect(
        new ValueResolution(new ValueCache(files, 1e6)).resolve({ $value: list.$value, size: list.size, path }),
      ).rejects.toThrow('Expected a value at');
    },
  );

  it('are read once, however many ask', async () => {
    const values = new ValueCache(files, 1e6);
    const list = await putValue(files, [1, 2, 3]);
    const read = jest.spyOn(files, 'read');

    await Promise.all(Array.from({ length: 100 }, () => new ValueResolution(values).resolve(list)));

    expect(read).toHaveBeenCalledTimes(1);
  });

  it('are forgotten when they are too many, the oldest first', async () => {
    const values = new ValueCache(files, 25);
    const [a, b, c] = [
      await putValue(files, ['aaaaaaaa']),
      await putValue(files, ['bbbbbbbb']),
      await putValue(files, ['cccccccc']),
    ];
    const read = jest.spyOn(files, 'read');

    for (const reference of [a, b, a, c, a, b]) await values.get(reference);

    expect(read.mock.calls.map(([hash]) => hash)).toEqual([a, b, c, b].map(({ $value }) => $value));
  });

  it('that could not be read are tried again', async () => {
    const values = new ValueCache(files, 1e6);
    const list = await putValue(files, [1]);
    jest.spyOn(files, 'read').mockRejectedValueOnce(new Error('the store is away'));

    await expect(values.get(list)).rejects.toThrow('the store is away');
    expect(await values.get(list)).toEqual([1]);
  });
});
