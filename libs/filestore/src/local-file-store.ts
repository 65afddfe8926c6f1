import { createHash, randomUUID, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { codeOf } from '@ryax/platform';
import { CorruptContentError, NotFoundError, TooLargeError } from './errors';
import type { FileStore, StoredContent } from './file-store';

/**
 * A file in `incoming/` that nobody has written to for so long has lost its writer. Judged by age, not by process id:
 * several services, and several machines, may share one folder.
 */
const staleAfterMs = 60 * 60 * 1000;

/**
 * The filestore as a local folder:
 *
 *     content/ab/cdef…   content named by its sha256, fanned out over 256 directories
 *     secrets/<id>       ciphertext
 *     incoming/<uuid>    what is being written; renamed when it is durable
 */
export class LocalFileStore implements FileStore {
  private constructor(private readonly directory: string) {}

  /** Makes the folder where it is missing and removes what interrupted writers have left in it. */
  static async open(directory: string): Promise<LocalFileStore> {
    for (const folder of ['content', 'secrets', 'incoming']) {
      await mkdir(join(directory, folder), { recursive: true, mode: 0o700 });
    }
    const store = new LocalFileStore(directory);
    await store.removeStale();
    return store;
  }

  async put(
    content: Readable | Buffer | string,
    { maxBytes = Infinity }: { readonly maxBytes?: number } = {},
  ): Promise<StoredContent> {
    const incoming = this.incomingPath();
    try {
      const stored = await writeDurably(incoming, chunksOf(content), maxBytes);
      // Renaming over equal content is harmless, renews its age, and repairs it if the disk has spoilt it.
      await this.publish(incoming, this.contentPath(stored.hash));
      return stored;
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    }
  }

  async open(hash: string, range: { readonly start?: number; readonly end?: number } = {}): Promise<Readable> {
    const handle = await found(hash, open(this.contentPath(hash)));
    return handle.createReadStream(range);
  }

  async read(hash: string): Promise<Buffer> {
    const content = await found(hash, readFile(this.contentPath(hash)));
    const actual = nameOf(createHash('sha256').update(content));
    if (actual !== hash) throw new CorruptContentError(hash, actual);
    return content;
  }

  async copyTo(hash: string, path: string): Promise<void> {
    // A reflink where the file system can: as cheap as a hard link, and yet a copy.
    await found(hash, copyFile(this.contentPath(hash), path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
  }

  async size(hash: string): Promise<number | undefined> {
    if (!isContentHash(hash)) return undefined;
    return (await statOrNothing(this.contentPath(hash)))?.size;
  }

  async putSecret(id: string, ciphertext: Buffer): Promise<void> {
    const incoming = this.incomingPath();
    try {
      await writeDurably(incoming, [ciphertext], Infinity);
      await link(incoming, this.secretPath(id));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      await rm(incoming, { force: true });
    }
    // Also after EEXIST: whoever wrote it first may not have come this far yet.
    await syncDirectory(join(this.directory, 'secrets'));
  }

  async readSecret(id: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.secretPath(id));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async deleteSecret(id: string): Promise<void> {
    await rm(this.secretPath(id), { force: true });
    await syncDirectory(join(this.directory, 'secrets'));
  }

  async check(): Promise<void> {
    const probe = this.incomingPath();
    try {
      await writeDurably(probe, [Buffer.from('probe')], Infinity);
    } finally {
      await rm(probe, { force: true });
    }
  }

  private async publish(incoming: string, target: string): Promise<void> {
    const folder = dirname(target);
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(dirname(folder));
    await rename(incoming, target);
    await syncDirectory(folder);
  }

  private async removeStale(): Promise<void> {
    const folder = join(this.directory, 'incoming');
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const entry = await statOrNothing(path);
      if (entry && Date.now() - entry.mtimeMs > staleAfterMs) await rm(path, { force: true });
    }
  }

  private contentPath(hash: string): string {
    // Hashes come from outside: only a well-formed one may become part of a path.
    if (!isContentHash(hash)) throw new NotFoundError(hash);
    const digits = hash.slice('sha256:'.length);
    return join(this.directory, 'content', digits.slice(0, 2), digits.slice(2));
  }

  private secretPath(id: string): string {
    if (!/^[0-9a-f]{64}$/.test(id))
      throw new RangeError(`Expected 64 hexadecimal digits as a secret's id, found "${id}"`);
    return join(this.directory, 'secrets', id);
  }

  private incomingPath(): string {
    return join(this.directory, 'incoming', randomUUID());
  }
}

export function isContentHash(hash: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(hash);
}

function chunksOf(content: Readable | Buffer | string): AsyncIterable<Buffer | string> | Iterable<Buffer | string> {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return [content];
  return content.iterator({ destroyOnReturn: false });
}

async function writeDurably(
  path: string,
  chunks: AsyncIterable<Buffer | string> | Iterable<Buffer | string>,
  maxBytes: number,
): Promise<StoredContent> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o644);
  try {
    for await (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size > maxBytes) throw new TooLargeError(maxBytes);
      hash.update(bytes);
      await file.appendFile(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { hash: nameOf(hash), size };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function found<T>(hash: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new NotFoundError(hash, { cause: error });
    throw error;
  }
}

async function statOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function nameOf(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}
