import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { WrongUseError } from '../errors';

/** Left by tools beside the sources: neither an action nor a data set consists of it. */
export const leftOut: ReadonlySet<string> = new Set(['.git', '__pycache__', '.DS_Store']);
const epoch = new Date(0);

/**
 * A folder as tar.gz, under its base name. Equal folders give equal bytes: sorted, without owners and times.
 * The archive is read as it is written, so that a folder of any size can be sent.
 */
export function archiveFolder(folder: string): ReadableStream<Uint8Array> {
  const archive = pack();
  const zipped = createGzip();
  const whole = resolve(folder);
  addFolder(archive, whole, basename(whole))
    .then(() => archive.finalize())
    .catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  // Its failure is the reader's: the pipeline destroys `zipped` with it.
  pipeline(archive, zipped).catch(() => undefined);
  return asWebStream(zipped);
}

export function fileStream(path: string): ReadableStream<Uint8Array> {
  return asWebStream(createReadStream(path));
}

async function addFolder(archive: Pack, folder: string, name: string): Promise<void> {
  await addEntry(archive, { name: `${name}/`, type: 'directory', mode: 0o755 });
  const names = (await readdir(folder)).filter((each) => !leftOut.has(each)).sort();
  for (const each of names) {
    const path = join(folder, each);
    const entry = await stat(path);
    if (entry.isDirectory()) await addFolder(archive, path, `${name}/${each}`);
    else if (entry.isFile()) await addFile(archive, path, `${name}/${each}`, entry);
    else throw new WrongUseError(`${path} is neither a file nor a folder: it cannot be uploaded`);
  }
}

async function addFile(archive: Pack, path: string, name: string, file: { size: number; mode: number }): Promise<void> {
  const mode = (file.mode & 0o100) === 0 ? 0o644 : 0o755;
  await new Promise<void>((done, fail) => {
    const entry = archive.entry({ name, size: file.size, mode, mtime: epoch }, (error) =>
      error ? fail(error) : done(),
    );
    pipeline(createReadStream(path), entry).catch(fail);
  });
}

function addEntry(archive: Pack, header: { name: string; type: 'directory'; mode: number }): Promise<void> {
  return new Promise((done, fail) => {
    archive.entry({ ...header, mtime: epoch }, '', (error) => (error ? fail(error) : done()));
  });
}

function asWebStream(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}
