import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOrCreateKeyFile } from './encryption-key';
import { SecretError } from './errors';
import { openSecrets } from './open-secrets';
import { LocalFileStore } from './local-file-store';
import { SecretBox } from './secret-box';

const place = { streamId: 'default.run-1', path: 'inputs.token' };

describe('secrets', () => {
  let directory: string;
  let files: LocalFileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-secrets-'));
    files = await LocalFileStore.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = (encryptionKey?: string) => openSecrets(files, { directory, encryptionKey });

  it('come back by their reference, and lie on disk encrypted', async () => {
    const secrets = await open('correct horse battery staple');

    const reference = await secrets.put(place, 'sésame, ouvre-toi');

    expect(await secrets.read(reference)).toBe('sésame, ouvre-toi');
    const onDisk = await readFile(join(directory, 'secrets', reference.$secret));
    expect(onDisk.includes('ouvre')).toBe(false);
  });

  it('have an id that depends on place and value, and not on where one ends and the other begins', async () => {
    const box = await SecretBox.fromText('correct horse battery staple');
    const ids = [
      box.idOf(place, 'value'),
      box.idOf(place, 'other'),
      box.idOf({ ...place, path: 'inputs.key' }, 'value'),
      box.idOf({ ...place, streamId: 'default.run-2' }, 'value'),
      box.idOf({ streamId: 'a', path: 'bc' }, 'd'),
      box.idOf({ streamId: 'ab', path: 'c' }, 'd'),
    ];

    expect(new Set(ids).size).toBe(ids.length);
    expect(box.idOf(place, 'value')).toBe(ids[0]);
  });

  it('are stored once when they are put again', async () => {
    const secrets = await open('correct horse battery staple');

    expect(await secrets.put(place, 'value')).toEqual(await secrets.put(place, 'value'));
    expect(await readdir(join(directory, 'secrets'))).toHaveLength(1);
  });

  it('are gone when they are deleted', async () => {
    const secrets = await open('correct horse battery staple');
    const reference = await secrets.put(place, 'value');

    await secrets.delete(reference);

    await expect(secrets.read(reference)).rejects.toThrow(SecretError);
  });

  it('cannot be read with another key', async () => {
    const reference = await (await open('correct horse battery staple')).put(place, 'value');

    await expect((await open('another key altogether')).read(reference)).rejects.toThrow('sealed with another key');
  });

  it('cannot be passed off as another, cut or altered', async () => {
    const box = await SecretBox.fromText('correct horse battery staple');
    const [id, other] = [box.idOf(place, 'value'), box.idOf(place, 'other')];
    const sealed = box.seal(id, 'value');
    const altered = Buffer.from(sealed);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;

    expect(() => box.unseal(other, sealed)).toThrow(SecretError);
    expect(() => box.unseal(id, altered)).toThrow(SecretError);
    expect(() => box.unseal(id, sealed.subarray(0, 10))).toThrow(SecretError);
  });

  it('have a key without being given one: kept in a file that only its owner can read', async () => {
    const reference = await (await open()).put(place, 'value');

    expect((await stat(join(directory, 'encryption.key'))).mode & 0o777).toBe(0o600);
    expect(await (await open()).read(reference)).toBe('value');
  });

  it('share one key when several services start at once', async () => {
    const path = join(directory, 'data', 'encryption.key');

    const keys = await Promise.all(Array.from({ length: 10 }, () => readOrCreateKeyFile(path)));

    expect(new Set(keys).size).toBe(1);
    expect(await readdir(join(directory, 'data'))).toEqual(['encryption.key']);
  });
});
