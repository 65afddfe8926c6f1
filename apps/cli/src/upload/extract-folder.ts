import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { WrongUseError } from '../errors';

/** Writes the files of a tar archive into a folder. Nothing is written outside of it; links are left out. */
export async function extractFolder(archive: Readable, folder: string): Promise<void> {
  const root = resolve(folder);
  await mkdir(root, { recursive: true });
  const entries = extract();
  const fed = pipeline(archive, entries);
  for await (const entry of entries) {
    const { name, type, mode } = entry.header;
    const path = resolve(root, name);
    if (path !== root && !path.startsWith(root + sep))
      throw new WrongUseError(`The archive leaves its folder: ${name}`);
    if (type === 'directory') await mkdir(path, { recursive: true });
    if (type === 'file') {
      await mkdir(join(path, '..'), { recursive: true });
      await pipeline(entry, createWriteStream(path, { mode: mode & 0o777 }));
    } else entry.resume();
  }
  await fed;
}
