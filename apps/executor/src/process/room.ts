import { readdirSync } from 'node:fs';
import { chmod, lstat, mkdir, readlink, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { makeMountPoints, type Isolation } from './isolation';
import { isWithin, removeTree } from './scratch';

/** As many symbolic links as the kernel follows in one path. */
const mostLinks = 40;

/**
 * The part of the file system that belongs to one worker or command:
 *
 *     <room>/work       the action's files, a copy of its own: handlers write beside their code; empty for a command
 *     <room>/inputs     files and directories that the running call was given
 *     <room>/tmp        its /tmp, where /tmp is private
 *     <room>/home       its HOME, unless it is given one
 *
 * Its processes see another /tmp than we do: a path that comes from them is followed as they would follow it.
 */
export class Room {
  readonly work: string;
  readonly inputs: string;
  readonly tmp: string;
  readonly home: string;
  private inputFolders = 0;

  private constructor(
    readonly directory: string,
    private readonly isolation: Isolation,
    readonly visible: readonly string[],
  ) {
    this.work = join(directory, 'work');
    this.inputs = join(directory, 'inputs');
    this.tmp = join(directory, 'tmp');
    this.home = join(directory, 'home');
  }

  /** @param visible paths under /tmp that its processes must still see */
  static async create(directory: string, isolation: Isolation, visible: readonly string[]): Promise<Room> {
    const room = new Room(directory, isolation, visible);
    await mkdir(directory, { mode: 0o755 });
    await Promise.all([mkdir(room.inputs), mkdir(room.tmp), mkdir(room.home)]);
    await chmod(room.tmp, 0o1777);
    await makeMountPoints(room.tmp, visible);
    return room;
  }

  /** An empty folder for an input. Never the same one twice: handlers remember what they have read by its path. */
  async inputFolder(): Promise<string> {
    const folder = join(this.inputs, String(++this.inputFolders));
    await mkdir(folder);
    return folder;
  }

  /** Empties what must not be found by the next call. */
  async clean(): Promise<void> {
    await emptyDirectory(this.inputs, []);
    if (this.isolation.level !== 'shared') await emptyDirectory(this.tmp, this.visible.map(inFolder(this.tmp)));
  }

  async remove(): Promise<void> {
    await removeTree(this.directory);
  }

  /** Where a path of its processes is for us, without following links. */
  toHost(path: string): string {
    if (this.isolation.level === 'shared' || !isWithin(path, '/tmp')) return path;
    return this.visible.some((kept) => isWithin(path, kept)) ? path : inFolder(this.tmp)(path);
  }

  /** What its processes call one of our paths. */
  fromHost(path: string): string {
    return this.isolation.level !== 'shared' && isWithin(path, this.tmp) ? `/tmp${path.slice(this.tmp.length)}` : path;
  }

  /** Follows a path of its processes, links and all, to where it ends for us. Rejects as `realpath` does. */
  async resolve(path: string): Promise<string> {
    let at = '/';
    let links = 0;
    const pending = path.split('/');
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = dirname(at);
        continue;
      }
      const next = join(at, part);
      const host = this.toHost(next);
      if (!(await lstat(host)).isSymbolicLink()) {
        at = next;
        continue;
      }
      if (++links > mostLinks) throw Object.assign(new Error(`Too many symbolic links in ${path}`), { code: 'ELOOP' });
      const target = await readlink(host);
      if (isAbsolute(target)) at = '/';
      pending.unshift(...target.split('/'));
    }
    return this.toHost(at);
  }
}

/** Moves a path under /tmp into the folder that stands for it. */
function inFolder(tmp: string): (path: string) => string {
  return (path) => join(tmp, path.slice('/tmp'.length));
}

/**
 * Removes everything in a directory but the kept paths and what leads to them. Nearly always there is nothing to remove,
 * and this is on the path of every call: looking at once takes a tenth of the time of asking for a look.
 */
async function emptyDirectory(directory: string, kept: readonly string[]): Promise<void> {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (kept.includes(path)) continue;
    if (kept.some((keep) => isWithin(keep, path))) await emptyDirectory(path, kept);
    else await removeOne(path);
  }
}

async function removeOne(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true });
  } catch {
    await removeTree(path);
  }
}
