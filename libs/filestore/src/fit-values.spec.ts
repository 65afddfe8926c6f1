import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isValueReference, type JsonObject, type ValueReference } from '@ryax/contracts';
import { fitValues } from './fit-values';
import { readJson } from './json-content';
import { LocalFileStore } from './local-file-store';

describe('Values that have to fit a message', () => {
  let directory: string;
  let files: LocalFileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-fit-'));
    files = await LocalFileStore.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const moved = (values: JsonObject) => Object.keys(values).filter((name) => isValueReference(values[name]));

  it('stay as they are when they do', async () => {
    const values = { a: 'x'.repeat(900), b: [1, 2] };
    expect(await fitValues(files, values, { valueBytes: 1_000, totalBytes: 1_000 })).toEqual(values);
  });

  it('are moved each when larger than a value may be', async () => {
    const values = { large: 'x'.repeat(999), other: 'x'.repeat(998) };
    const fitted = await fitValues(files, values, { valueBytes: 1_000, totalBytes: 10_000 });
    expect(moved(fitted)).toEqual(['large']);
    expect(await readJson(files, (fitted['large'] as unknown as ValueReference).$value)).toBe(values.large);
  });

  it('are moved, the largest first, until all fit together', async () => {
    const values = { s: 'x'.repeat(500), l: 'x'.repeat(900), m: 'x'.repeat(700), xl: 'é'.repeat(490) };
    const fitted = await fitValues(files, values, { valueBytes: 1_000, totalBytes: 1_600 });
    expect(moved(fitted)).toEqual(['l', 'xl']);
    expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThanOrEqual(1_600);
  });

  it('stay when a reference would be no smaller', async () => {
    const values = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`v${index}`, 'x'.repeat(50)]));
    expect(await fitValues(files, values, { valueBytes: 1_000, totalBytes: 1_000 })).toEqual(values);
  });
});
