import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, realpath, symlink } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { codeOf } from '@ryax/platform';
import { ArchiveError } from '../errors';

export interface ArchiveBounds {
  readonly maxEntries: number;
  /** Of the unpacked content. */
  readonly maxBytes: number;
}

/**
 * Writes the entries of one archive below a new, empty directory, and nothing outside of it, whoever made the archive:
 *
 * - names are relative and without `..`; nothing is written twice;
 * - symbolic links are made last, so that no entry can be written through one, and each must then lead to something
 *   inside the directory, as the file system resolves it;
 * - entries and bytes are counted while they are written, whatever the archive claims.
 */
export class Extraction {
  private entries = 0;
  private bytes = 0;
  private readonly links: { readonly name: string; readonly path: string; readonly target: string }[] = [];

  constructor(
    private readonly root: string,
    private readonly bounds: ArchiveBounds,
  ) {}

  async directory(name: string): Promise<void> {
    this.countEntry(name);
    await refusing(name, () => mkdir(this.pathOf(name), { recursive: true }));
  }

  async file(name: string, executable: boolean, content: AsyncIterable<Buffer>): Promise<void> {
    this.countEntry(name);
    const path = this.pathOf(name);
    await refusing(name, () => mkdir(dirname(path), { recursive: true }));
    const file = await refusing(name, () => open(path, 'wx', executable ? 0o755 : 0o644));
    try {
      for await (const chunk of content) {
        this.countBytes(name, chunk.length);
        await file.appendFile(chunk);
      }
    } finally {
      await file.close();
    }
  }

  symbolicLink(name: string, target: string): void {
    this.countEntry(name);
    this.links.push({ name, path: this.pathOf(name), target });
  }

  /** A second name for an earlier entry becomes a file of its own. */
  async hardLink(name: string, earlier: string): Promise<void> {
    this.countEntry(name);
    const [path, source] = [this.pathOf(name), this.pathOf(earlier)];
    const original = await refusing(name, () => lstat(source));
    if (!original.isFile()) throw new ArchiveError(name, `is a hard link to "${earlier}", which is no file`);
    this.countBytes(name, original.size);
    await refusing(name, () => mkdir(dirname(path), { recursive: true }));
    await refusing(name, () => copyFile(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
  }

  /** Makes the symbolic links and judges where they lead. */
  async finish(): Promise<void> {
    for (const { name, path, target } of this.links) {
      await refusing(name, () => mkdir(dirname(path), { recursive: true }));
      await refusing(name, () => symlink(target, path));
    }
    const root = await realpath(this.root);
    for (const { name, path, target } of this.links) {
      const end = await refusing(name, () => realpath(path), `is a symbolic link to "${target}", which leads nowhere`);
      const outside = end !== root && !end.startsWith(root + sep);
      if (outside) throw new ArchiveError(name, `is a symbolic link to "${target}", outside of the archive`);
    }
  }

  private pathOf(name: string): string {
    if (name.includes('\0')) throw new ArchiveError(name, 'has a name with a zero byte');
    if (name.startsWith('/')) throw new ArchiveError(name, 'has an absolute name');
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw new ArchiveError(name, 'leads out of the archive');
    return join(this.root, ...parts);
  }

  private countEntry(name: string): void {
    this.entries += 1;
    if (this.entries > this.bounds.maxEntries) {
      throw new ArchiveError(name, `is one too many: at most ${this.bounds.maxEntries} entries are allowed`);
    }
  }

  private countBytes(name: string, bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.bounds.maxBytes) {
      throw new ArchiveError(name, `is too large: at most ${this.bounds.maxBytes} bytes are allowed in all`);
    }
  }
}

/** What the system says about a name that cannot be: the archive's fault, not the disk's. */
const refusals: Readonly<Record<string, string>> = {
  EEXIST: 'stands in the place of another entry',
  ENOTDIR: 'lies below an entry that is no directory',
  EISDIR: 'stands in the place of a directory',
  ENAMETOOLONG: 'has a name that is too long',
  ENOENT: 'refers to an entry that does not exist',
  ELOOP: 'is a symbolic link that leads back to itself',
};

async function refusing<T>(name: string, act: () => Promise<T>, reason?: string): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const refusal = refusals[codeOf(error) ?? ''];
    if (refusal === undefined) throw error;
    throw new ArchiveError(name, reason ?? refusal, { cause: error });
  }
}
