import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { extractFolder } from './extract-folder';
import { archiveFolder } from './folder-archive';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ryax-archive-'));
});
afterEach(() => rm(root, { recursive: true }));

async function makeFolder(parent: string): Promise<string> {
  const folder = join(root, parent, 'action');
  await mkdir(join(folder, 'inner'), { recursive: true });
  await mkdir(join(folder, '__pycache__'));
  await writeFile(join(folder, 'ryax_handler.py'), 'def handle(inputs): ...');
  await writeFile(join(folder, 'inner', 'data.txt'), 'é');
  await chmod(join(folder, 'inner', 'data.txt'), 0o600);
  return folder;
}

const bytesOf = (folder: string) => buffer(archiveFolder(folder));

it('gives equal bytes for equal folders, whenever they were written', async () => {
  const [one, other] = [await makeFolder('one'), await makeFolder('other')];
  await utimes(join(other, 'ryax_handler.py'), 1, 1);
  expect((await bytesOf(one)).equals(await bytesOf(other))).toBe(true);
});

it('comes back as it was, without what tools have left there', async () => {
  const folder = await makeFolder('one');
  const target = join(root, 'back');
  await extractFolder(Readable.from(await bytesOf(folder)).pipe(createGunzip()), target);
  expect(await readFile(join(target, 'action', 'inner', 'data.txt'), 'utf8')).toBe('é');
  await expect(readFile(join(target, 'action', '__pycache__'))).rejects.toThrow('ENOENT');
});

it('fails as its reader reads when the folder is not there', async () => {
  await expect(bytesOf(join(root, 'nowhere'))).rejects.toThrow('ENOENT');
});
