import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './data-directory';
import { endAll, isPostgresOf, processesOf } from './processes';

/** What postmaster.pid says. PostgreSQL fills it line by line as it starts. */
export interface PostmasterFile {
  readonly pid: number;
  readonly port: number | undefined;
  readonly status: string;
}

export function readPostmasterFile(dataDirectory: string): PostmasterFile | undefined {
  try {
    const lines = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return pid > 0 ? { pid, port: Number(lines[3]) || undefined, status: (lines[7] ?? '').trim() } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends what an engine that was killed has left: its server (asked to shut down, then made to), and backends whose
 * postmaster has died under them: a new server would refuse to start beside these ("pre-existing shared memory block").
 * Stopped rather than adopted: a server then always has our settings, our log and an owner who sees it end.
 */
export async function endLeftovers(layout: Layout): Promise<void> {
  const { data } = layout;
  const postmaster = () => {
    const pid = readPostmasterFile(data)?.pid;
    return pid !== undefined && isPostgresOf(pid, data) ? [pid] : [];
  };
  await endAll(postmaster, [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ]);
  const ended = await endAll(
    () => processesOf(data),
    [
      ['SIGTERM', 5_000],
      ['SIGKILL', 10_000],
    ],
  );
  if (!ended) throw new Error(`Expected ${data} to be free, found processes ${processesOf(data).join(', ')} in it`);
  // PostgreSQL itself asks only whether that pid exists: another program's, or a zombie's, would keep it from starting.
  rmSync(join(data, 'postmaster.pid'), { force: true });
}
