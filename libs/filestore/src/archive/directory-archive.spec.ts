import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack } from 'tar-stream';
import { ArchiveError, NotFoundError, TooLargeError } from '../errors';
import { LocalFileStore } from '../local-file-store';
import { packDirectory, unpackDirectory } from './directory-archive';

describe('a directory in the filestore', () => {
  let work: string;
  let store: LocalFileStore;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'ryax-archive-'));
    store = await LocalFileStore.open(join(work, 'files'));
  });
  afterEach(() => rm(work, { recursive: true }));

  /** Makes a directory of files; a value that starts with `->` is a symbolic link, one that is null a directory. */
  async function directoryOf(name: string, entries: Record<string, string | null>): Promise<string> {
    const directory = join(work, 'made', name);
    await mkdir(directory, { recursive: true });
    for (const [path, content] of Object.entries(entries)) {
      const target = join(directory, path);
      await mkdir(content === null ? target : dirname(target), { recursive: true });
      if (content?.startsWith('->')) await symlink(content.slice(2), target);
      else if (content !== null) await writeFile(target, content);
    }
    return directory;
  }

  async function restored(hash: string): Promise<string> {
    const target = join(work, `restored-${Math.random()}`);
    await unpackDirectory(store, hash, target);
    return target;
  }

  it('is not restored any further when nobody wants it any more', async () => {
    const { hash } = await packDirectory(store, await directoryOf('unwanted', { 'a.txt': 'A' }));
    const aborted = AbortSignal.abort(new Error('not wanted'));
    const target = join(work, 'unwanted');
    await expect(unpackDirectory(store, hash, target, aborted)).rejects.toThrow('not wanted');
    expect(await readdir(target)).toEqual([]);
  });

  it('comes back with its files, folders, empty folders and long names', async () => {
    const long = `${'deep/'.repeat(30)}${'n'.repeat(120)}.txt`;
    const directory = await directoryOf('results', {
      'a.txt': 'A',
      'sub/b.txt': 'B',
      empty: null,
      [long]: 'L',
      'ü ñ.txt': 'U',
    });

    const { hash, size } = await packDirectory(store, directory);
    const copy = await restored(hash);

    expect(size).toBeGreaterThan(0);
    expect((await readdir(copy)).sort()).toEqual(['a.txt', 'deep', 'empty', 'sub', 'ü ñ.txt']);
    expect(await readFile(join(copy, long), 'utf8')).toBe('L');
    expect(await readdir(join(copy, 'empty'))).toEqual([]);
  });

  it('is named by its content only, not by times, owners, modes or the order in which it was made', async () => {
    const one = await directoryOf('one', { 'a.txt': 'A', 'b.txt': 'B', 'sub/c.txt': 'C' });
    const two = await directoryOf('two', { 'sub/c.txt': 'C', 'b.txt': 'B', 'a.txt': 'A' });
    await utimes(join(two, 'a.txt'), 1, 1);
    await chmod(join(two, 'b.txt'), 0o600);
    const other = await directoryOf('other', { 'a.txt': 'A', 'b.txt': 'B', 'sub/c.txt': 'changed' });

    const [first, second, third] = await Promise.all([one, two, other].map((path) => packDirectory(store, path)));

    expect(second).toEqual(first);
    expect(third?.hash).not.toBe(first?.hash);
  });

  it('keeps what is executable', async () => {
    const directory = await directoryOf('tools', { 'run.sh': '#!/bin/sh', 'data.txt': '' });
    await chmod(join(directory, 'run.sh'), 0o700);

    const copy = await restored((await packDirectory(store, directory)).hash);

    expect((await lstat(join(copy, 'run.sh'))).mode & 0o111).not.toBe(0);
    expect((await lstat(join(copy, 'data.txt'))).mode & 0o111).toBe(0);
  });

  it('keeps links that end inside, relative, and replaces those that lead out by what they lead to', async () => {
    const outside = await directoryOf('outside', {
      'far.txt': 'far away',
      'folder/x.txt': 'X',
      'folder/y.txt': '->x.txt',
    });
    const directory = await directoryOf('linked', {
      'sub/target.txt': 'T',
      'sub/near.txt': '->target.txt',
      'absolute.txt': `->${join(work, 'made/linked/sub/target.txt')}`,
      'far.txt': `->${join(outside, 'far.txt')}`,
      folder: '->../outside/folder',
    });

    const copy = await restored((await packDirectory(store, directory)).hash);

    expect(await readlink(join(copy, 'sub/near.txt'))).toBe('target.txt');
    expect(await readlink(join(copy, 'absolute.txt'))).toBe('sub/target.txt');
    expect((await lstat(join(copy, 'far.txt'))).isFile()).toBe(true);
    expect(await readFile(join(copy, 'far.txt'), 'utf8')).toBe('far away');
    expect(await readFile(join(copy, 'folder/y.txt'), 'utf8')).toBe('X');
  });

  it.each([
    ['a link that leads nowhere', { 'broken.txt': '->missing' }, 'broken.txt'],
    ['a link to a folder around it', { 'sub/up': '->../..' }, 'sub/up'],
  ])('refuses %s, by its name', async (_, entries: Record<string, string>, entry) => {
    const directory = await directoryOf('wrong', entries);

    await expect(packDirectory(store, directory)).rejects.toMatchObject({ code: 'archive-invalid', entry });
  });

  it('refuses what is neither file nor directory', async () => {
    const directory = await directoryOf('odd', {});
    const server = createServer().listen(join(directory, 'socket'));
    await new Promise((listening) => server.once('listening', listening));

    await expect(packDirectory(store, directory)).rejects.toThrow(ArchiveError);
    server.close();
  });

  it('refuses a directory that is larger than allowed', async () => {
    const directory = await directoryOf('large', { 'a.bin': 'x'.repeat(100_000), 'b.bin': 'y'.repeat(100_000) });

    await expect(packDirectory(store, directory, { maxBytes: 50_000 })).rejects.toThrow(TooLargeError);
  });

  it('says when there is no such content, and when the content is no directory', async () => {
    await expect(restored(`sha256:${'0'.repeat(64)}`)).rejects.toThrow(NotFoundError);

    const { hash } = await store.put('just some text that is longer than nothing '.repeat(50));
    await expect(restored(hash)).rejects.toThrow(ArchiveError);
  });

  it('does not write outside of its target, whatever was stored as a directory', async () => {
    const archive = pack();
    archive.entry({ name: '../escaped.txt' }, 'gotcha');
    archive.finalize();
    const { hash } = await store.put(Buffer.concat(await bytesOf(archive)));

    await expect(restored(hash)).rejects.toMatchObject({ entry: '../escaped.txt' });
    expect(await readdir(work)).not.toContain('escaped.txt');
  });
});

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return chunks;
}
