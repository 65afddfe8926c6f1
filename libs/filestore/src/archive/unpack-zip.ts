import { PassThrough, pipeline, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { open, type Entry, type ZipFile } from 'yauzl';
import { ArchiveError, isSystemError } from '../errors';
import type { Extraction } from './extraction';

const fileTypeMask = 0o170000;
const symbolicLink = 0o120000;
/** A link's target is a path; nothing that long is one. */
const maxLinkBytes = 4096;

/** Unpacks a zip file into an extraction. Modes and links count where the archive was made on a Unix. */
export async function unpackZip(path: string, extraction: Extraction): Promise<void> {
  const zip = await openZip(path);
  try {
    for await (const entry of entriesOf(zip)) await unpackEntry(zip, entry, extraction);
  } finally {
    zip.close();
  }
  await extraction.finish();
}

async function unpackEntry(zip: ZipFile, entry: Entry, extraction: Extraction): Promise<void> {
  const name = entry.fileName;
  if (entry.isEncrypted()) throw new ArchiveError(name, 'is encrypted');
  if (name.endsWith('/')) return extraction.directory(name);
  const mode = entry.externalFileAttributes >>> 16;
  const content = await openEntry(zip, entry);
  try {
    if ((mode & fileTypeMask) !== symbolicLink) {
      await extraction.file(name, (mode & 0o111) !== 0, content);
      return;
    }
    if (entry.uncompressedSize > maxLinkBytes) throw new ArchiveError(name, 'is a symbolic link that is too long');
    extraction.symbolicLink(name, (await buffer(content)).toString('utf8'));
  } catch (error) {
    if (error instanceof ArchiveError || isSystemError(error)) throw error;
    throw new ArchiveError(name, 'is damaged', { cause: error });
  }
}

/** One entry at a time, as they are asked for. */
async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip)) yield entry;
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    zip.removeAllListeners();
    zip.once('entry', resolve);
    zip.once('end', () => resolve(undefined));
    zip.once('error', (error: Error) => reject(refusal(error)));
    zip.readEntry();
  });
}

function openZip(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error) reject(refusal(error));
      else resolve(zip);
    });
  });
}

/** The reader's stream fails as soon as it flows, whether or not somebody listens yet; a pipeline keeps that for later. */
function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(new ArchiveError(entry.fileName, 'cannot be read', { cause: error }));
      else resolve(pipeline(stream, new PassThrough(), () => undefined));
    });
  });
}

/** The reader refuses names that lead out of the archive by itself, as `absolute path: /etc/passwd`. */
function refusal(error: Error): Error {
  if (isSystemError(error)) return error;
  const named = /^(absolute path|invalid relative path|invalid characters in fileName): (.*)$/s.exec(error.message);
  if (named?.[2] !== undefined) return new ArchiveError(named[2], `is refused: ${named[1] ?? ''}`, { cause: error });
  return new ArchiveError(undefined, `is no readable zip: ${error.message}`, { cause: error });
}
