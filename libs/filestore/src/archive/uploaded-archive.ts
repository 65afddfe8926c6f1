import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { limits } from '@ryax/contracts';
import { ArchiveError, TooLargeError } from '../errors';
import { Extraction, type ArchiveBounds } from './extraction';
import { unpackTar } from './unpack-tar';
import { unpackZip } from './unpack-zip';

export interface UploadOptions {
  /** Where the archive is unpacked for the time being; default: the system's temporary folder. */
  readonly workDirectory?: string;
  readonly bounds?: ArchiveBounds;
  /** Of the archive itself. */
  readonly maxBytes?: number;
}

const defaultBounds: ArchiveBounds = { maxEntries: 100_000, maxBytes: limits.uploadBytes };

/**
 * Unpacks what a stranger has sent (tar, tar.gz or zip, told by its content) into a directory that lives as long as
 * `use` runs. Rejects with an ArchiveError that names the entry, or a TooLargeError. Store the content in its
 * canonical form with `packDirectory(files, directory)`.
 */
export async function withUploadedArchive<T>(
  archive: Readable,
  { workDirectory = tmpdir(), bounds = defaultBounds, maxBytes = limits.uploadBytes }: UploadOptions,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const work = await mkdtemp(join(workDirectory, 'ryax-upload-'));
  try {
    const upload = join(work, 'archive');
    await receive(archive, upload, maxBytes);
    const directory = join(work, 'content');
    await mkdir(directory);
    await unpack(upload, new Extraction(directory, bounds));
    return await use(directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Archives are often made of the folder itself: where a directory holds one directory and nothing else, that one. */
export async function soleFolderOr(directory: string): Promise<string> {
  const [entry, ...others] = await readdir(directory, { withFileTypes: true });
  return entry?.isDirectory() && others.length === 0 ? join(directory, entry.name) : directory;
}

async function receive(archive: Readable, path: string, maxBytes: number): Promise<void> {
  await pipeline(async function* () {
    let size = 0;
    const chunks: AsyncIterable<Buffer> = archive.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxBytes) throw new TooLargeError(maxBytes);
      yield chunk;
    }
  }, createWriteStream(path));
}

async function unpack(path: string, extraction: Extraction): Promise<void> {
  switch (await formatOf(path)) {
    case 'zip':
      return unpackZip(path, extraction);
    case 'tar':
      return unpackTar(createReadStream(path), extraction);
    case 'tar.gz':
      return unpackGzip(path, extraction);
    case 'unknown':
      throw new ArchiveError(undefined, 'is neither tar.gz nor zip nor tar');
  }
}

async function unpackGzip(path: string, extraction: Extraction): Promise<void> {
  const tar = new PassThrough();
  const [inflated, unpacked] = await Promise.allSettled([
    pipeline(createReadStream(path), createGunzip(), tar),
    unpackTar(tar, extraction),
  ]);
  if (inflated.status === 'rejected' && !(unpacked.status === 'rejected' && unpacked.reason instanceof ArchiveError)) {
    throw new ArchiveError(undefined, `is no readable gzip: ${String(inflated.reason)}`, { cause: inflated.reason });
  }
  if (unpacked.status === 'rejected') throw unpacked.reason;
}

async function formatOf(path: string): Promise<'zip' | 'tar' | 'tar.gz' | 'unknown'> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
    if (buffer.readUInt16BE(0) === 0x1f8b) return 'tar.gz';
    // `PK` and an entry, or the end of an empty archive.
    if (buffer.readUInt16BE(0) === 0x504b && [0x0304, 0x0506].includes(buffer.readUInt16BE(2))) return 'zip';
    return buffer.toString('latin1', 257, 262) === 'ustar' ? 'tar' : 'unknown';
  } finally {
    await file.close();
  }
}
