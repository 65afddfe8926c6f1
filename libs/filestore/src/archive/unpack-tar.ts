import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '@ryax/platform';
import { extract, type Extract } from 'tar-stream';
import { ArchiveError, FileStoreError, isSystemError } from '../errors';
import type { Extraction } from './extraction';

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

/** Unpacks a tar stream into an extraction; the source's own errors, and the reason of a signal that is aborted, pass through. */
export async function unpackTar(source: Readable, extraction: Extraction, signal?: AbortSignal): Promise<void> {
  const entries = extract();
  // The pipeline's failure destroys `entries` and thereby ends the loop below with the same error.
  const piping = pipeline(source, entries, signal === undefined ? {} : { signal });
  const [piped, unpacked] = await Promise.allSettled([piping, unpackEntries(entries, extraction)]);
  signal?.throwIfAborted();
  if (unpacked.status === 'rejected') throw asArchiveError(unpacked.reason);
  if (piped.status === 'rejected') throw asArchiveError(piped.reason);
  await extraction.finish();
}

async function unpackEntries(entries: AsyncIterable<Entry>, extraction: Extraction): Promise<void> {
  for await (const entry of entries) {
    await unpackEntry(entry, extraction);
    entry.resume();
  }
}

async function unpackEntry(entry: Entry, extraction: Extraction): Promise<void> {
  const { name, type, mode, linkname } = entry.header;
  switch (type) {
    case 'directory':
      return extraction.directory(name);
    case 'file':
    case 'contiguous-file':
      return extraction.file(name, (mode & 0o111) !== 0, bytesOf(entry));
    case 'symlink':
      return extraction.symbolicLink(name, linkname);
    case 'link':
      return extraction.hardLink(name, linkname);
    default:
      throw new ArchiveError(name, `is a ${type}; only files, directories and links are allowed`);
  }
}

async function* bytesOf(entry: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of entry) if (Buffer.isBuffer(chunk)) yield chunk;
}

/** The parser's own complaints have no class: they are the archive's fault unless the system or we have spoken. */
function asArchiveError(error: unknown): unknown {
  if (error instanceof FileStoreError || isSystemError(error)) return error;
  return new ArchiveError(undefined, `is no readable tar: ${messageOf(error)}`, { cause: error });
}
