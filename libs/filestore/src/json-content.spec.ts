import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isValueReference } from '@ryax/contracts';
import { canonicalJson, isLargerThan, putJson, putValue, readJson } from './json-content';
import { LocalFileStore } from './local-file-store';

describe('JSON content', () => {
  let directory: string;
  let files: LocalFileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-json-'));
    files = await LocalFileStore.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('has one text for equal values', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'ü' }], a: true, '': -0 })).toBe(
      '{"":0,"a":true,"b":[1,{"c":"ü","d":null}]}',
    );
  });

  it('survives what PostgreSQL and UTF-8 do not like', async () => {
    const value = { zero: 'a\u0000b', lone: '\ud800', key: { '\udfff': 1 } };

    expect(await readJson(files, (await putJson(files, value)).hash)).toEqual(value);
  });

  it('has the same hash whatever the order of its keys', async () => {
    expect(await putJson(files, { a: 1, b: 2 })).toEqual(await putJson(files, { b: 2, a: 1 }));
  });

  it.each([
    ['a text of ASCII', 'x'.repeat(98), 100],
    ['a text of three bytes a character', '日'.repeat(40), 122],
    ['a text of four bytes a pair', '🚀'.repeat(20), 82],
    ['a text that is escaped', '\u0000'.repeat(20), 122],
    ['a list', ['日', '日'], 13],
    ['a number', 12, 2],
  ])('of %s is measured in bytes, not in characters', (_name, value, bytes) => {
    expect(Buffer.byteLength(JSON.stringify(value))).toBe(bytes);
    expect([isLargerThan(value, bytes - 1), isLargerThan(value, bytes)]).toEqual([true, false]);
  });

  it('is referred to by a value reference, with the count of a list', async () => {
    const list = await putValue(files, [1, 2, 3]);

    expect(list).toMatchObject({ size: 7, count: 3 });
    expect(isValueReference(list)).toBe(true);
    expect(await putValue(files, { a: 1 })).not.toHaveProperty('count');
  });
});
