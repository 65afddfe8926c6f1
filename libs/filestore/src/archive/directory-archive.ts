import { createReadStream, type Dirent, type Stats } from 'node:fs';
import { mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pack, type Header, type Pack } from 'tar-stream';
import { ArchiveError } from '../errors';
import type { FileStore, StoredContent } from '../file-store';
import { Extraction } from './extraction';
import { unpackTar } from './unpack-tar';

export interface PackOptions {
  readonly maxBytes?: number;
  /**
   * Follows a path to its end without symbolic links; rejects as `realpath` does. For directories of a process that
   * sees another file system than we do.
   */
  readonly resolve?: (path: string) => Promise<string>;
}

/** What is stored is ours, yet a caller may name any uploaded file as a directory: unpacking stays bounded. */
const storedBounds = { maxEntries: 1_000_000, maxBytes: 64 * 1024 ** 3 };

/**
 * Stores a directory as one tar archive whose hash depends on its content only: sorted names, no times, no owners, of
 * the mode only whether a file is executable. A symbolic link that ends inside the directory stays a link; one that
 * leads out is replaced by what it leads to.
 */
export async function packDirectory(
  files: FileStore,
  directory: string,
  { maxBytes = Infinity, resolve = realpath }: PackOptions = {},
): Promise<StoredContent> {
  const root = await resolve(directory);
  const archive = pack();
  // Whichever side fails first says why; the other one ends because of it.
  let reason: unknown;
  const fail = (error: unknown) => {
    reason ??= error;
    archive.destroy();
  };
  const writing = new ArchiveWriter(archive, root, resolve).write().catch(fail);
  const stored = await files.put(Readable.from(archive, { objectMode: false }), { maxBytes }).catch(fail);
  await writing;
  if (stored === undefined || reason !== undefined) throw reason;
  return stored;
}

/** Restores a stored directory at a path that does not exist yet. @param signal aborted when it is not wanted any more: rejects with its reason */
export async function unpackDirectory(
  files: FileStore,
  hash: string,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(target);
  await unpackTar(await files.open(hash), new Extraction(target, storedBounds), signal);
}

class ArchiveWriter {
  constructor(
    private readonly archive: Pack,
    private readonly root: string,
    private readonly resolve: (path: string) => Promise<string>,
  ) {}

  async write(): Promise<void> {
    await this.directory(this.root, '', [this.root]);
    this.archive.finalize();
  }

  /** `above`: the real directories that this one lies in, so that a link back to one of them is found out. */
  private async directory(path: string, name: string, above: readonly string[]): Promise<void> {
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const entry of entries) {
      await this.entry(entry, join(path, entry.name), name === '' ? entry.name : `${name}/${entry.name}`, above);
    }
  }

  private async entry(entry: Dirent, path: string, name: string, above: readonly string[]): Promise<void> {
    if (!entry.isSymbolicLink()) return this.content(path, name, above);
    const end = await this.follow(path, name);
    if (!end.startsWith(this.root + sep)) return this.content(end, name, above);
    if (path.startsWith(this.root + sep)) {
      return this.add({ name, type: 'symlink', linkname: relative(join(path, '..'), end) });
    }
    // Inside a directory that itself was linked in from outside, a relative path would lead elsewhere.
    return this.content(end, name, above);
  }

  private async content(path: string, name: string, above: readonly string[]): Promise<void> {
    const found = await stat(path);
    if (found.isFile()) return this.file(path, name, found);
    if (!found.isDirectory()) throw new ArchiveError(name, 'is neither a file nor a directory');
    if (above.some((other) => `${other}/`.startsWith(`${path}/`)))
      throw new ArchiveError(name, 'contains itself through a link');
    await this.add({ name: `${name}/`, type: 'directory', mode: 0o755 });
    await this.directory(path, name, [...above, path]);
  }

  private file(path: string, name: string, { size, mode }: Stats): Promise<void> {
    const header = { name, type: 'file' as const, size, mode: (mode & 0o111) !== 0 ? 0o755 : 0o644 };
    // No further than its size now: somebody may still be writing to it.
    return size === 0 ? this.add(header) : this.add(header, createReadStream(path, { end: size - 1 }));
  }

  private add(header: Partial<Header> & { name: string }, source?: Readable): Promise<void> {
    const complete = { ...header, mtime: new Date(0), uid: 0, gid: 0 };
    return new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null) => {
        if (error) reject(entryError(header.name, error));
        else resolve();
      };
      const sink = source === undefined ? this.archive.entry(complete, '', done) : this.archive.entry(complete, done);
      sink.on('error', reject);
      source?.on('error', (error) => sink.destroy(error)).pipe(sink);
    }).finally(() => source?.destroy());
  }

  private async follow(path: string, name: string): Promise<string> {
    try {
      return await this.resolve(path);
    } catch (error) {
      throw new ArchiveError(name, 'is a symbolic link that leads nowhere', { cause: error });
    }
  }
}

/** The packer's own complaint has no class: a file has become shorter than it was said to be. */
function entryError(name: string, error: Error): Error {
  if (error.message !== 'Size mismatch') return error;
  return new ArchiveError(name, 'changed while it was being read', { cause: error });
}
