import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { limits } from '@ryax/contracts';
import { LocalFileStore } from '@ryax/filestore';
import { pack } from 'tar-stream';
import { InvalidRequestError } from '../errors';
import { StoredActions } from './stored-actions';

const archiveOf = (files: Readonly<Record<string, string>>) => {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return archive;
};

describe('Metadata of an action that is larger than a text of YAML may be', () => {
  const files = { 'ryax_metadata.yaml': '#'.repeat(limits.yamlBytes + 1), 'ryax_handler.py': '' };
  const refusal = new InvalidRequestError('Invalid action', [
    { path: 'ryax_metadata.yaml', reason: 'expected at most 2097152 bytes (yamlBytes), found 2097153' },
  ]);
  let folder: string;
  let store: LocalFileStore;
  let actions: StoredActions;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryax-stored-actions-'));
    store = await LocalFileStore.open(folder);
    actions = new StoredActions(store);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is refused when it is uploaded', async () => {
    const uploaded = archiveOf(files).pipe(createGzip());
    await expect(actions.upload(uploaded)).rejects.toEqual(refusal);
  });

  it('is not read either from content that came by another way', async () => {
    const { hash } = await store.put(Readable.from(archiveOf(files)));
    await expect(actions.byHash(hash)).rejects.toEqual(refusal);
  });
});
