import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../errors';
import { startTimeOf } from './processes';

/** Says that a directory is used by a process that lives; two servers on one directory would ruin it. */
export class DirectoryInUse extends Error {
  readonly code = 'directory_in_use';

  constructor(
    readonly directory: string,
    readonly pid: number,
  ) {
    super(`Expected ${directory} to be free, found that process ${pid} uses it`);
    this.name = 'DirectoryInUse';
  }
}

/**
 * Takes the directory for this process; answers how to give it back. A holder that has died (its pid is gone, or was given
 * to another process) holds it no more.
 */
export function takeDirectory(directory: string): () => void {
  const lock = join(directory, 'owner');
  const draft = `${lock}.${process.pid}`;
  const mine = `${process.pid} ${startTimeOf(process.pid) ?? ''}`;
  writeFileSync(draft, mine);
  try {
    while (!tryLink(draft, lock)) {
      const holder = livingHolder(lock);
      if (holder !== undefined) throw new DirectoryInUse(directory, holder);
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (read(lock) === mine) rmSync(lock, { force: true });
  };
}

/** A link appears whole or not at all, unlike a file that is created and then written. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function livingHolder(lock: string): number | undefined {
  const [pid, ...startTime] = (read(lock) ?? '').split(' ');
  return pid && startTimeOf(Number(pid)) === startTime.join(' ') ? Number(pid) : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
