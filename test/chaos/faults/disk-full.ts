import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '@ryax/platform';
import { NotPossibleError, type Inject } from './ongoing';

const pieces = [1024 * 1024, 4096] as const;

/** The disk on which an executor keeps what runs is full, to the last page. */
export const diskFull: Inject<'disk-full'> = async (cluster, { target }) => {
  if (cluster.noDisk !== undefined) throw new NotPossibleError(cluster.noDisk);
  const filler = join(cluster.diskOf(target), 'filler');
  const file = openSync(filler, 'w');
  for (const bytes of pieces) fill(file, Buffer.alloc(bytes));
  closeSync(file);
  return () => Promise.resolve(rmSync(filler, { force: true }));
};

function fill(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error;
  }
}
