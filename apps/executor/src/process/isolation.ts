import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isWithin } from './scratch';

/**
 * What separates the processes of one worker or command from everybody else's:
 *
 * - `private`: a /tmp of their own, and a process namespace that ends with its first process, so that none survives it;
 * - `private-tmp`: a /tmp of their own; processes that leave their group can survive it;
 * - `shared`: neither. Executions then run one at a time, since handlers write to fixed names under /tmp.
 */
export type IsolationLevel = 'private' | 'private-tmp' | 'shared';

export interface Isolation {
  readonly level: IsolationLevel;
  /** What is put before a command so that it dies with this process and finds its /tmp. */
  readonly prefix: readonly string[];
}

/** How a command is to be started. */
export interface IsolatedPlace {
  readonly workingDirectory: string;
  /** Becomes /tmp. */
  readonly tmp: string;
  /** Paths under /tmp that must stay what they are; each has its mount point in `tmp`. */
  readonly visible: readonly string[];
}

/**
 * Runs as the first process of the namespace: it reaps orphans, and a SIGTERM is for its child alone (which gets the
 * ordinary disposition back with `exec`). The subshell keeps the command from being taken for a builtin.
 */
const enterScript = `
tmp=$1 directory=$2; shift 2
while [ "$1" != -- ]; do mount --bind "$1" "$tmp\${1#/tmp}" || exit 125; shift; done; shift
mount --rbind "$tmp" /tmp && cd -- "$directory" || exit 125
trap : TERM
(exec "$@")
exit $?`;

const dieWithUs = ['setpriv', '--pdeathsig', 'KILL', '--'];
const namespaces = ['unshare', '--fork', '--kill-child', '--mount'];
const asRootOfItsOwn = ['--user', '--map-root-user'];
const ownProcesses = ['--pid', '--mount-proc'];

/** From the best to what every system has; the first that works here is taken. */
export const isolationCandidates: readonly Isolation[] = [
  { level: 'private', prefix: [...dieWithUs, ...namespaces, ...ownProcesses, '--'] },
  { level: 'private', prefix: [...dieWithUs, ...namespaces, ...asRootOfItsOwn, ...ownProcesses, '--'] },
  { level: 'private-tmp', prefix: [...dieWithUs, ...namespaces, '--'] },
  { level: 'private-tmp', prefix: [...dieWithUs, ...namespaces, ...asRootOfItsOwn, '--'] },
  { level: 'shared', prefix: dieWithUs },
];

const withoutAny: Isolation = { level: 'shared', prefix: [] };

/** Tries out what this system allows; `directory` is any folder of ours. */
export async function findIsolation(directory: string): Promise<Isolation> {
  const probe = await mkdtemp(join(directory, 'probe-'));
  try {
    const place = { workingDirectory: '/', tmp: probe, visible: [] };
    for (const candidate of isolationCandidates) {
      if (await works(isolate(candidate, place, ['true']))) return candidate;
    }
    return withoutAny;
  } finally {
    await rm(probe, { recursive: true });
  }
}

/** The command as it has to be spawned. */
export function isolate(isolation: Isolation, place: IsolatedPlace, command: readonly string[]): readonly string[] {
  if (isolation.level === 'shared') return [...isolation.prefix, ...command];
  const { tmp, workingDirectory, visible } = place;
  return [...isolation.prefix, 'sh', '-c', enterScript, 'sh', tmp, workingDirectory, ...visible, '--', ...command];
}

/** Those of the paths that a private /tmp would hide, without those that lie in another one. */
export function hiddenByTmp(paths: readonly string[]): readonly string[] {
  const hidden = [...new Set(paths)].filter((path) => isWithin(path, '/tmp') && path !== '/tmp');
  return hidden.filter((path) => !hidden.some((other) => other !== path && isWithin(path, other)));
}

/** Makes the mount points of the visible paths in a folder that will become /tmp. */
export async function makeMountPoints(tmp: string, visible: readonly string[]): Promise<void> {
  for (const path of visible) await mkdir(join(tmp, path.slice('/tmp'.length)), { recursive: true });
}

async function works([file = '', ...args]: readonly string[]): Promise<boolean> {
  try {
    await promisify(execFile)(file, args, { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}
