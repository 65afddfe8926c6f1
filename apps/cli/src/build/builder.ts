import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '../error-facts';
import { BuilderMissingError, BuildFailedError } from '../errors';

/** What builds images, in the order in which it is looked for; all three take the same arguments. */
export const builderNames = ['docker', 'podman', 'buildah'] as const;
export type BuilderName = (typeof builderNames)[number];

export interface Builder {
  readonly name: BuilderName;
  readonly path: string;
}

export interface BuilderRun {
  /** Gets each line that the builder writes. */
  readonly onLine: (line: string) => void;
  readonly interrupted: AbortSignal;
}

/** @param searchPath folders, as PATH has them */
export async function findBuilder(searchPath: string, wanted: BuilderName | undefined): Promise<Builder> {
  for (const name of wanted === undefined ? builderNames : [wanted]) {
    for (const folder of searchPath.split(delimiter)) {
      const path = join(folder, name);
      if (folder !== '' && (await isExecutable(path))) return { name, path };
    }
  }
  const what = wanted ?? 'docker, podman or buildah';
  throw new BuilderMissingError(
    `Expected ${what} on PATH to build the image with, found none`,
    [],
    'Install Docker (https://docs.docker.com/get-docker), or Podman or Buildah, which most distributions have as packages: apt-get install podman',
  );
}

/** Runs it to its end; rejects when that is no good one. */
export async function runBuilder(
  { name, path }: Builder,
  args: readonly string[],
  { onLine, interrupted }: BuilderRun,
): Promise<void> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], signal: interrupted });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
  const [status, signal] = (await once(child, 'close').catch((error: unknown) => {
    if (interrupted.aborted) throw error;
    throw new BuildFailedError(`${path} cannot be run: ${messageOf(error)}`, [], undefined, { cause: error });
  })) as [number | null, string | null];
  if (status === 0) return;
  throw new BuildFailedError(
    `${name} ${args[0] ?? ''} ended with ${status === null ? `the signal ${signal ?? ''}` : `status ${status}`}`,
    [],
    'What it has written stands above; --builder takes another one.',
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
