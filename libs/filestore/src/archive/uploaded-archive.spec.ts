import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { TooLargeError } from '../errors';
import { LocalFileStore } from '../local-file-store';
import { packDirectory } from './directory-archive';
import { soleFolderOr, withUploadedArchive, type UploadOptions } from './uploaded-archive';

type TarEntry = Partial<Header> & { name: string; content?: string };

async function tarOf(...entries: TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface ZipEntry {
  readonly name: string;
  readonly content: string;
  /** Unix mode. */
  readonly mode?: number;
  /** Written instead of the true one. */
  readonly claimedSize?: number;
}

/** A zip file, byte by byte, so that it can be wrong in ways that tools refuse to produce. */
function zipOf(...entries: ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode = 0o100644, claimedSize } of entries) {
    const data = deflateRawSync(content);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(0x0800, 2); // UTF-8 names
    common.writeUInt16LE(8, 4); // deflate
    common.writeUInt32LE(crc32Of(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(claimedSize ?? Buffer.byteLength(content), 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    const madeOnUnix = Buffer.from([20, 3]);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeOnUnix, common, tail, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, central, Buffer.from('PK\x05\x06'), end]);
}

describe('an uploaded archive', () => {
  let work: string;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'ryax-uploads-'));
  });
  afterEach(() => rm(work, { recursive: true }));

  /** What one finds in the unpacked directory: paths with their content; links as `-> target`. */
  async function contentOf(archive: Buffer, options: UploadOptions = {}): Promise<Record<string, string>> {
    return withUploadedArchive(Readable.from([archive]), { workDirectory: work, ...options }, async (directory) => {
      const found: Record<string, string> = {};
      for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
        const path = join(entry.parentPath, entry.name);
        const name = path.slice(directory.length + 1);
        if (entry.isSymbolicLink()) found[name] = `-> ${await readlink(path)}`;
        else if (entry.isFile()) found[name] = await readFile(path, 'utf8');
      }
      return found;
    });
  }

  const refusal = (archive: Buffer, options?: UploadOptions) =>
    contentOf(archive, options).then(
      () => 'accepted',
      (error: unknown) => error,
    );

  it.each([
    ['tar', (tar: Buffer) => tar],
    ['tar.gz', (tar: Buffer) => gzipSync(tar)],
  ])('is unpacked from %s', async (_, compress) => {
    const tar = await tarOf(
      { name: './ryax_metadata.yaml', content: 'kind: Processor' },
      { name: 'lib/', type: 'directory' },
      { name: 'lib/code.py', content: 'pass' },
      { name: 'lib/same.py', type: 'symlink', linkname: 'code.py' },
      { name: 'hard.py', type: 'link', linkname: 'lib/code.py' },
    );

    expect(await contentOf(compress(tar))).toEqual({
      'ryax_metadata.yaml': 'kind: Processor',
      'lib/code.py': 'pass',
      'lib/same.py': '-> code.py',
      'hard.py': 'pass',
    });
  });

  it('is unpacked from zip', async () => {
    const zip = zipOf(
      { name: 'lib/', content: '' },
      { name: 'lib/grün.py', content: 'pass' },
      { name: 'link.py', content: 'lib/grün.py', mode: 0o120777 },
    );

    expect(await contentOf(zip)).toEqual({ 'lib/grün.py': 'pass', 'link.py': '-> lib/grün.py' });
  });

  it('has the same canonical content whatever it was sent as', async () => {
    const store = await LocalFileStore.open(join(work, 'files'));
    const files = { 'b.txt': 'B', 'a.txt': 'A' };
    const tar = await tarOf(...Object.entries(files).map(([name, content]) => ({ name, content, mtime: new Date() })));
    const zip = zipOf(...Object.entries(files).map(([name, content]) => ({ name, content })));
    const stored = (archive: Buffer) =>
      withUploadedArchive(Readable.from([archive]), { workDirectory: work }, (directory) =>
        packDirectory(store, directory),
      );

    expect(await stored(zip)).toEqual(await stored(gzipSync(tar)));
  });

  const file = { name: 'a.txt', content: 'A' };
  it.each<[string, TarEntry[], string]>([
    ['an absolute name', [{ name: '/etc/cron.d/evil', content: 'x' }], '/etc/cron.d/evil'],
    ['a name that leads out', [{ name: 'a/../../evil', content: 'x' }], 'a/../../evil'],
    ['a link that leads out', [{ name: 'out', type: 'symlink', linkname: '../..' }], 'out'],
    ['an absolute link', [{ name: 'out', type: 'symlink', linkname: '/etc/passwd' }], 'out'],
    ['a link to nothing', [{ name: 'out', type: 'symlink', linkname: 'missing' }], 'out'],
    [
      'links that lead out together',
      [
        { name: 'x/y/up', type: 'symlink', linkname: '../..' },
        { name: 'out', type: 'symlink', linkname: 'x/y/up/../..' },
      ],
      'out',
    ],
    ['a link to itself', [{ name: 'loop', type: 'symlink', linkname: 'loop' }], 'loop'],
    [
      'a file written through a link',
      [
        { name: 'tmp', type: 'symlink', linkname: '/tmp' },
        { name: 'tmp/evil', content: 'x' },
      ],
      'tmp',
    ],
    [
      'a hard link that leads out',
      [{ name: 'passwd', type: 'link', linkname: '../../../../../etc/passwd' }],
      '../../../../../etc/passwd',
    ],
    ['a hard link to nothing', [{ name: 'b', type: 'link', linkname: 'missing' }], 'b'],
    ['one name twice', [file, file], 'a.txt'],
    ['a file below a file', [file, { name: 'a.txt/b.txt', content: 'x' }], 'a.txt/b.txt'],
    ['a device', [{ name: 'null', type: 'character-device' }], 'null'],
    ['a name longer than file systems allow', [{ name: 'n'.repeat(300), content: 'x' }], 'n'.repeat(300)],
  ])('is refused for %s, by the name of the entry', async (_, entries, entry) => {
    expect(await refusal(await tarOf(...entries))).toMatchObject({ code: 'archive-invalid', entry });
    expect(await readdir(work)).toEqual([]);
  });

  it.each([
    ['an absolute name', [{ name: '/etc/evil', content: 'x' }], '/etc/evil'],
    ['a name that leads out', [{ name: '../evil', content: 'x' }], '../evil'],
    ['a Windows name that leads out', [{ name: '..\\evil', content: 'x' }], '../evil'],
    ['a link that leads out', [{ name: 'out', content: '/etc/passwd', mode: 0o120777 }], 'out'],
  ])('as zip is refused for %s', async (_, entries: ZipEntry[], entry) => {
    expect(await refusal(zipOf(...entries))).toMatchObject({ code: 'archive-invalid', entry });
  });

  it('is refused when it unpacks to more than allowed, whatever it claims', async () => {
    const bounds = { maxEntries: 10, maxBytes: 10_000 };
    const bomb = 'x'.repeat(1_000_000);

    expect(await refusal(gzipSync(await tarOf({ name: 'bomb', content: bomb })), { bounds })).toMatchObject({
      entry: 'bomb',
    });
    expect(await refusal(zipOf({ name: 'bomb', content: bomb }), { bounds })).toMatchObject({ entry: 'bomb' });
    expect(await refusal(zipOf({ name: 'bomb', content: bomb, claimedSize: 5 }), { bounds })).toMatchObject({
      entry: 'bomb',
    });
  });

  it('is refused when it has more entries than allowed', async () => {
    const entries = Array.from({ length: 12 }, (_, index) => ({ name: `f${index}`, content: '' }));

    expect(await refusal(await tarOf(...entries), { bounds: { maxEntries: 10, maxBytes: 100 } })).toMatchObject({
      entry: 'f10',
    });
  });

  it('is refused when it is larger than allowed itself', async () => {
    expect(await refusal(Buffer.alloc(2000), { maxBytes: 1000 })).toEqual(new TooLargeError(1000));
  });

  it('is refused when it is cut short, damaged, or no archive at all', async () => {
    const tar = await tarOf({ name: 'a.txt', content: 'A'.repeat(5000) });
    const zip = zipOf({ name: 'a.txt', content: 'A'.repeat(5000) });
    const damaged = Buffer.from(zip).fill(0xff, 40, 50);

    for (const archive of [
      tar.subarray(0, 2000),
      gzipSync(tar).subarray(0, 60),
      zip.subarray(0, 60),
      damaged,
      Buffer.from('hello'),
      Buffer.alloc(0),
    ]) {
      expect(await refusal(archive)).toMatchObject({ code: 'archive-invalid' });
    }
  });

  it('leaves nothing behind when its user fails', async () => {
    const archive = await tarOf({ name: 'a.txt', content: 'A' });
    const use = () => Promise.reject(new Error('no metadata'));

    await expect(withUploadedArchive(Readable.from([archive]), { workDirectory: work }, use)).rejects.toThrow(
      'no metadata',
    );
    expect(await readdir(work)).toEqual([]);
  });

  it('may be made of a folder instead of its content', async () => {
    const [one, two] = [join(work, 'one'), join(work, 'two')];
    await mkdir(join(one, 'action'), { recursive: true });
    await mkdir(join(two, 'lib'), { recursive: true });
    await writeFile(join(two, 'ryax_metadata.yaml'), '');

    expect(await soleFolderOr(one)).toBe(join(one, 'action'));
    expect(await soleFolderOr(two)).toBe(two);
  });
});

/** `crc32` came to Node's zlib after 20.0; the polynomial of zip files is this one. */
function crc32Of(text: string): number {
  if (typeof crc32 === 'function') return crc32(text);
  let crc = ~0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}
