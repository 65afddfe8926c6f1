import { Inject, Injectable } from '@nestjs/common';
import { join } from 'node:path';
import { readdir, readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { limits, type Fault, type JsonValue, type PinnedAction } from '@ryax/contracts';
import { ArchiveError, packDirectory, soleFolderOr, withUploadedArchive, type FileStore } from '@ryax/filestore';
import { parseMetadata } from '@ryax/workflow';
import { readYaml, YamlError } from '@ryax/yaml';
import { extract } from 'tar-stream';
import { InvalidRequestError } from '../errors';
import { FILE_STORE } from '../tokens';

export const metadataFile = 'ryax_metadata.yaml';
const entryFiles: Readonly<Record<string, readonly string[]>> = {
  python3: ['ryax_handler.py', 'ryax_run.py'],
  'python3-cuda': ['ryax_handler.py', 'ryax_run.py'],
  nodejs: ['ryax_handler.js'],
};
const rememberedActions = 1_000;
const invalidAction = 'Invalid action';

/** Action folders in the filestore, each by the hash of its content. */
@Injectable()
export class StoredActions {
  private readonly known = new Map<string, PinnedAction>();

  constructor(@Inject(FILE_STORE) private readonly files: FileStore) {}

  /** Stores an uploaded folder (tar.gz, zip). @throws InvalidRequestError with all that is wrong with it */
  async upload(archive: Readable): Promise<PinnedAction> {
    try {
      return await withUploadedArchive(archive, {}, async (unpacked) => {
        const folder = await soleFolderOr(unpacked);
        const names = await readdir(folder);
        if (!names.includes(metadataFile))
          throw invalid('', `expected a file ${metadataFile}, found ${names.slice(0, 10).join(', ')}`);
        const metadata = join(folder, metadataFile);
        checkSize((await stat(metadata)).size);
        const manifest = manifestOf(await readFile(metadata, 'utf8'));
        const wanted = entryFiles[manifest.runtime] ?? [];
        if (!wanted.some((name) => names.includes(name))) {
          throw invalid('', `an action of type ${manifest.runtime} needs a file ${wanted.join(' or ')}, found none`);
        }
        return this.remember({ content_hash: (await packDirectory(this.files, folder)).hash, manifest });
      });
    } catch (error) {
      if (error instanceof ArchiveError) throw invalid('', error.message);
      throw error;
    }
  }

  /** What was uploaded under this hash; undefined when nothing was, or it is no action. */
  async byHash(contentHash: string): Promise<PinnedAction | undefined> {
    const known = this.known.get(contentHash);
    if (known !== undefined) return known;
    if (!/^sha256:[0-9a-f]{64}$/.test(contentHash) || (await this.files.size(contentHash)) === undefined)
      return undefined;
    const metadata = await readMetadata(await this.files.open(contentHash));
    if (metadata === undefined) return undefined;
    return this.remember({ content_hash: contentHash, manifest: manifestOf(metadata) });
  }

  private remember(action: PinnedAction): PinnedAction {
    this.known.set(action.content_hash, action);
    const [oldest] = this.known.keys();
    if (this.known.size > rememberedActions && oldest !== undefined) this.known.delete(oldest);
    return action;
  }
}

/** Before it is read: an archive may have anything under this name, and metadata is read as a whole. */
function checkSize(bytes: number): void {
  if (bytes <= limits.yamlBytes) return;
  throw invalid(metadataFile, `expected at most ${limits.yamlBytes} bytes (yamlBytes), found ${bytes}`);
}

function manifestOf(metadata: string): PinnedAction['manifest'] {
  let value: JsonValue;
  try {
    value = readYaml(metadata);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw invalid(metadataFile, error.message);
  }
  const parsed = parseMetadata(value);
  if (!parsed.ok) throw new InvalidRequestError(invalidAction, parsed.faults.map(inMetadata));
  return parsed.manifest;
}

function inMetadata({ path, reason }: Fault): Fault {
  return { path: path === '' ? metadataFile : `${metadataFile}: ${path}`, reason };
}

function invalid(path: string, reason: string): InvalidRequestError {
  return new InvalidRequestError(invalidAction, [{ path, reason }]);
}

/** The metadata of a stored archive; the rest is passed over. */
async function readMetadata(archive: Readable): Promise<string | undefined> {
  const entries = archive.pipe(extract());
  try {
    for await (const entry of entries) {
      if (entry.header.name === metadataFile) {
        checkSize(entry.header.size ?? 0);
        return await text(entry);
      }
      entry.resume();
    }
    return undefined;
  } finally {
    archive.destroy();
  }
}
