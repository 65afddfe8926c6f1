import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalFileStore, packDirectory } from '@ryax/filestore';
import { ActionCache } from './action-cache';

describe('the cache of actions', () => {
  let work: string;
  let files: LocalFileStore;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'ryax-actions-'));
    files = await LocalFileStore.open(join(work, 'files'));
    await mkdir(join(work, 'cache'));
  });
  afterEach(() => rm(work, { recursive: true }));

  async function actionOf(id: string): Promise<string> {
    const folder = join(work, `source-${id}`);
    await mkdir(folder);
    await writeFile(
      join(folder, 'ryax_metadata.yaml'),
      'spec: { type: nodejs, inputs: null, outputs: [{ name: y, type: integer, help: "" }] }',
    );
    await writeFile(join(folder, 'id.txt'), id);
    return (await packDirectory(files, folder)).hash;
  }
  const idAt = (target: string) => readFile(join(work, target, 'id.txt'), 'utf8');

  it('fetches an action once for all that ask, and gives each a copy of its own', async () => {
    const hash = await actionOf('a');
    const cache = new ActionCache(files, join(work, 'cache'), 4);
    const open = jest.spyOn(files, 'open');

    const copies = await Promise.all(['one', 'two', 'three'].map((target) => cache.copyTo(hash, join(work, target))));
    await writeFile(join(work, 'one', 'id.txt'), 'changed');

    expect(open).toHaveBeenCalledTimes(1);
    expect(copies[0]).toMatchObject({ runtime: 'nodejs', inputs: [], outputs: [{ name: 'y', type: 'integer' }] });
    expect(await idAt('two')).toBe('a');
    await cache.copyTo(hash, join(work, 'four'));
    expect(await idAt('four')).toBe('a');
  });

  it('keeps those used last', async () => {
    const [a, b, c] = [await actionOf('a'), await actionOf('b'), await actionOf('c')];
    const cache = new ActionCache(files, join(work, 'cache'), 2);

    for (const [index, hash] of [a, b, a, c].entries()) await cache.copyTo(hash, join(work, `copy-${index}`));

    const kept = (await readdir(join(work, 'cache'))).map((name) => name.replace(/-\d+$/, ''));
    expect(kept.sort()).toEqual([a, c].map((hash) => hash.replace(':', '-')).sort());
  });

  it('keeps no more of those that are only asked about', async () => {
    const hashes = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(actionOf));
    const cache = new ActionCache(files, join(work, 'cache'), 2);

    for (const hash of hashes) expect(await cache.metadataOf(hash)).toMatchObject({ runtime: 'nodejs' });
    expect(await readdir(join(work, 'cache'))).toHaveLength(2);

    const answers = await Promise.all([...hashes, ...hashes].map((hash) => cache.metadataOf(hash)));
    expect(answers.map(({ runtime }) => runtime)).toEqual(Array(10).fill('nodejs'));
    expect((await readdir(join(work, 'cache'))).length).toBeLessThanOrEqual(2);
  });

  it('tries again after a failure', async () => {
    const hash = await actionOf('a');
    const cache = new ActionCache(files, join(work, 'cache'), 2);
    jest.spyOn(files, 'open').mockRejectedValueOnce(new Error('the store is away'));

    await expect(cache.copyTo(hash, join(work, 'one'))).rejects.toMatchObject({
      failure: { kind: 'lost', message: expect.stringContaining('the store is away') as string },
    });
    await cache.copyTo(hash, join(work, 'two'));

    expect(await idAt('two')).toBe('a');
  });

  it.each([
    ['says nothing useful', 'spec: { type: cobol }'],
    ['is no YAML', 'spec: ['],
    ['is not there', undefined],
  ])('refuses content whose metadata %s', async (_, text) => {
    const folder = join(work, 'wrong');
    await mkdir(folder);
    if (text !== undefined) await writeFile(join(folder, 'ryax_metadata.yaml'), text);
    const { hash } = await packDirectory(files, folder);

    await expect(new ActionCache(files, join(work, 'cache'), 2).copyTo(hash, join(work, 'one'))).rejects.toMatchObject({
      failure: { kind: 'image' },
    });
  });
});
