import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@ryax/contracts';
import { readActionMetadata } from './action-metadata';

describe('the ryax_metadata.yaml of an action', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryax-metadata-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const padded = (bytes: number) =>
    writeFile(join(folder, 'ryax_metadata.yaml'), 'spec: {type: nodejs}\n#'.padEnd(bytes));

  it('is read up to the length that an upload may have', async () => {
    await padded(limits.yamlBytes);
    expect(await readActionMetadata(folder)).toEqual({ runtime: 'nodejs', inputs: [], outputs: [] });
  });

  it('is not read when it is longer, and the limit is named', async () => {
    await padded(limits.yamlBytes + 1);
    await expect(readActionMetadata(folder)).rejects.toMatchObject({
      failure: {
        kind: 'image',
        message: expect.stringContaining('at most 2097152 bytes (yamlBytes), found 2097153') as string,
      },
    });
  });
});
