import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { WrongUseError } from '../errors';
import { leftOut } from '../upload/folder-archive';
import type { ActionFolder } from './action-folder';

/**
 * Lays out what an image is built from, for as long as `use` takes:
 *
 *     Dockerfile    that of deploy/action-images
 *     runtime/      the server and the worker of the action's language
 *     action/       the action's folder, without what an upload leaves out
 */
export async function withImageContext<T>(action: ActionFolder, use: (context: string) => Promise<T>): Promise<T> {
  const context = await mkdtemp(join(tmpdir(), 'ryax-image-'));
  try {
    const root = packageRoot(__dirname);
    await copyFile(join(root, 'deploy', 'action-images', action.runtime, 'Dockerfile'), join(context, 'Dockerfile'));
    await copyFolder(join(root, 'runtimes', action.runtime), join(context, 'runtime'));
    await copyFolder(action.path, join(context, 'action'));
    return await use(context);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Readable for whichever user runs the image: what the umask is here says nothing about there. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const name of (await readdir(from)).filter((each) => !leftOut.has(each))) {
    const [source, target] = [join(from, name), join(to, name)];
    const entry = await stat(source);
    if (entry.isDirectory()) await copyFolder(source, target);
    else if (entry.isFile()) await copyOne(source, target, entry.mode);
    else throw new WrongUseError(`${source} is neither a file nor a folder: it cannot become part of an image`);
  }
}

async function copyOne(source: string, target: string, mode: number): Promise<void> {
  await copyFile(source, target);
  await chmod(target, (mode & 0o100) === 0 ? 0o644 : 0o755);
}

/** Where this package keeps what it does not compile, whether it runs from its sources or from dist/. */
function packageRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'deploy', 'action-images'))) return folder;
    if (folder === dirname(folder)) throw new Error(`Expected deploy/action-images above ${from}, found none`);
  }
}
