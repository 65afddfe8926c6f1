import { chmod, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { randomUUID } from 'node:crypto';
import { codeOf } from '@ryax/platform';
import { isAlive, processIdentity } from './process-identity';

/**
 * The folders of one executor process, in a folder named by its identity, so that its successor knows what it may
 * remove. Nothing here outlives its process: whatever matters is in the filestore.
 *
 *     <directory>/<pid>-<start>/actions/<hash>    contents of actions as they were stored
 *     <directory>/<pid>-<start>/rooms/<id>/…      one for each worker or command
 *     <directory>/<pid>-<start>/processes/<pid>-<start>    groups to be ended by a successor, where the kernel does not
 */
export class Scratch {
  private constructor(readonly directory: string) {}

  static async open(directory: string): Promise<Scratch> {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    await removeDead(directory);
    const own = join(await realpath(directory), processIdentity(process.pid) ?? `${process.pid}-${randomUUID()}`);
    // More than one launcher in a process: each has a folder of its own within the process's.
    const scratch = new Scratch(join(own, randomUUID().slice(0, 8)));
    for (const folder of [scratch.actions, scratch.rooms, scratch.processes]) await mkdir(folder, { recursive: true });
    return scratch;
  }

  get actions(): string {
    return join(this.directory, 'actions');
  }

  get rooms(): string {
    return join(this.directory, 'rooms');
  }

  get processes(): string {
    return join(this.directory, 'processes');
  }

  async remove(): Promise<void> {
    await removeTree(this.directory);
  }
}

/** Ends the process groups and removes the folders of executors that are gone. */
async function removeDead(directory: string): Promise<void> {
  for (const identity of await readdir(directory)) {
    if (!/^\d+-/.test(identity) || isAlive(identity)) continue;
    for (const launcher of await readdir(join(directory, identity))) {
      await endGroups(join(directory, identity, launcher, 'processes'));
    }
    await removeTree(join(directory, identity));
  }
}

async function endGroups(folder: string): Promise<void> {
  for (const leader of await readdir(folder).catch(() => [])) {
    if (isAlive(leader)) signalGroup(Number.parseInt(leader, 10), 'SIGKILL');
  }
}

/** Sends a signal to a process group. One that is gone, or has become somebody else's, needs none. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
  }
}

/** Removes a tree of which a handler may have made parts unwritable. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
  }
}

export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}
