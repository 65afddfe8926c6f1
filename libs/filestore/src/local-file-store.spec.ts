import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CorruptContentError, NotFoundError, TooLargeError } from './errors';
import { LocalFileStore } from './local-file-store';

const hashOf = (content: string | Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

describe('LocalFileStore', () => {
  let directory: string;
  let store: LocalFileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-files-'));
    store = await LocalFileStore.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const contentPath = (hash: string) => join(directory, 'content', hash.slice(7, 9), hash.slice(9));

  it('names content by its sha256, whatever form it comes in', async () => {
    const expected = { hash: hashOf('quake'), size: 5 };

    expect(await store.put('quake')).toEqual(expected);
    expect(await store.put(Buffer.from('quake'))).toEqual(expected);
    expect(await store.put(Readable.from(['qu', Buffer.from('ake')]))).toEqual(expected);
    expect((await store.read(expected.hash)).toString()).toBe('quake');
    expect(await store.size(expected.hash)).toBe(5);
  });

  it('content is on disk, folder included, before its hash is answered', async () => {
    const target = contentPath(hashOf('quake'));
    const probe = await open(directory, 'r');
    const handles = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    const { sync } = handles;
    const steps: string[] = [];
    const syncing = jest.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
      const isPublished = existsSync(target);
      const name = await nameOf(this);
      await sync.call(this);
      steps.push(`${name} synced, content ${isPublished ? 'there' : 'not there'}`);
    });
    async function nameOf(handle: FileHandle): Promise<string> {
      const { ino } = await handle.stat();
      for (const [name, path] of Object.entries({ content: join(directory, 'content'), folder: dirname(target) }))
        if (statSync(path, { throwIfNoEntry: false })?.ino === ino) return name;
      return 'file';
    }

    await store.put('quake');
    steps.push('answered');
    syncing.mockRestore();

    expect(steps).toEqual([
      'file synced, content not there',
      'content synced, content not there',
      'folder synced, content there',
      'answered',
    ]);
  });

  it('opens a range of content', async () => {
    const { hash } = await store.put('0123456789');

    expect((await buffer(await store.open(hash, { start: 3, end: 5 }))).toString()).toBe('345');
    expect((await buffer(await store.open(hash, { start: 8 }))).toString()).toBe('89');
    expect((await buffer(await store.open(hash))).toString()).toBe('0123456789');
  });

  it('keeps one copy of content that is put many times at once', async () => {
    const content = Buffer.alloc(300_000, 7);

    const stored = await Promise.all(Array.from({ length: 20 }, () => store.put(Readable.from([content, content]))));

    expect(new Set(stored.map(({ hash }) => hash)).size).toBe(1);
    expect(await readdir(join(directory, 'incoming'))).toEqual([]);
  });

  it('refuses more bytes than allowed, leaves nothing behind and leaves the stream to its owner', async () => {
    const upload = Readable.from([Buffer.alloc(600), Buffer.alloc(600), Buffer.alloc(600)]);

    await expect(store.put(upload, { maxBytes: 1000 })).rejects.toThrow(new TooLargeError(1000));

    expect(upload.destroyed).toBe(false);
    expect(await readdir(join(directory, 'incoming'))).toEqual([]);
  });

  it('leaves nothing behind when the source fails', async () => {
    const source = new Readable({
      read() {
        this.destroy(new Error('the line was cut'));
      },
    });

    await expect(store.put(source)).rejects.toThrow('the line was cut');
    expect(await readdir(join(directory, 'incoming'))).toEqual([]);
  });

  it.each(['sha256:' + 'a'.repeat(64), 'sha256:../../../../etc/passwd', 'latest'])(
    'finds nothing under %s',
    async (hash) => {
      await expect(store.open(hash)).rejects.toThrow(NotFoundError);
      await expect(store.read(hash)).rejects.toThrow(NotFoundError);
      await expect(store.copyTo(hash, join(directory, 'copy'))).rejects.toThrow(NotFoundError);
      expect(await store.size(hash)).toBeUndefined();
    },
  );

  it('notices content that has changed on disk, and heals it when it is put again', async () => {
    const { hash } = await store.put('the original');
    await writeFile(contentPath(hash), 'forged');

    await expect(store.read(hash)).rejects.toThrow(CorruptContentError);

    await store.put('the original');
    expect((await store.read(hash)).toString()).toBe('the original');
  });

  it('copies content to a file whose changes do not reach the store', async () => {
    const { hash } = await store.put('the original');
    const copy = join(directory, 'copy');

    await store.copyTo(hash, copy);
    await writeFile(copy, 'changed');

    expect((await store.read(hash)).toString()).toBe('the original');
  });

  it('removes what an interrupted writer left, but not what another writes now', async () => {
    const [old, fresh] = [join(directory, 'incoming', 'old'), join(directory, 'incoming', 'fresh')];
    await writeFile(old, 'half');
    await writeFile(fresh, 'half');
    const twoHoursAgo = Date.now() / 1000 - 7200;
    await utimes(old, twoHoursAgo, twoHoursAgo);

    await LocalFileStore.open(directory);

    expect(await readdir(join(directory, 'incoming'))).toEqual(['fresh']);
  });

  it('keeps the first of two secrets with one id, and forgets it when told', async () => {
    const id = 'ab'.repeat(32);

    await store.putSecret(id, Buffer.from('first'));
    await store.putSecret(id, Buffer.from('second'));
    expect(await store.readSecret(id)).toEqual(Buffer.from('first'));

    await store.deleteSecret(id);
    await store.deleteSecret(id);
    expect(await store.readSecret(id)).toBeUndefined();
  });

  it('refuses a secret id that is none', async () => {
    await expect(store.putSecret('../content/x', Buffer.of())).rejects.toThrow(RangeError);
  });

  it('can be written until its folder is gone', async () => {
    await store.check();
    await rm(join(directory, 'incoming'), { recursive: true });

    await expect(store.check()).rejects.toThrow('ENOENT');
  });

  it('stores nothing readable by other users', async () => {
    const { hash } = await store.put('content');

    expect(await readFile(contentPath(hash), 'utf8')).toBe('content');
    expect(await modesOf(['content', 'secrets', 'incoming'])).toEqual([0o700, 0o700, 0o700]);
  });

  async function modesOf(folders: string[]): Promise<number[]> {
    const { stat } = await import('node:fs/promises');
    return Promise.all(folders.map(async (folder) => (await stat(join(directory, folder))).mode & 0o777));
  }
});
