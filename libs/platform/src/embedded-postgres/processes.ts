import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const pollMs = 20;

/** Whether a process runs. One that has ended but was never waited for (a zombie) does not. */
export function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  if (stat !== undefined) return stat.state !== 'Z' && stat.state !== 'X';
  if (process.platform === 'linux') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** When a process was started: with the pid, its identity, as pids come back. Undefined when there is none. */
export function startTimeOf(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined;
  return readStat(pid)?.startTime ?? describeByPs(pid, 'lstart');
}

/** Whether the process is a PostgreSQL server that works on this data directory. */
export function isPostgresOf(pid: number, dataDirectory: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') return workingDirectoryOf(pid) === dataDirectory;
  return describeByPs(pid, 'command')?.includes(dataDirectory) ?? false;
}

/** Every living process that stands in this data directory: the postmaster and all its backends. Linux only. */
export function processesOf(dataDirectory: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingDirectoryOf(pid) === dataDirectory && isAlive(pid));
}

/** Sends the signals in turn until no process is left, each with so much time to work. One that was stopped is woken to take it. */
export async function endAll(
  pids: () => readonly number[],
  signals: readonly (readonly [NodeJS.Signals, number])[],
): Promise<boolean> {
  for (const [signal, patienceMs] of signals) {
    for (const pid of pids()) {
      send(pid, signal);
      send(pid, 'SIGCONT');
    }
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (pids().length === 0) return true;
      await wait(pollMs);
    }
  }
  return pids().length === 0;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone meanwhile, which is what was wanted.
  }
}

/** Fields of /proc/PID/stat; the program's name, in brackets, may itself hold blanks and brackets. */
function readStat(pid: number): { state: string; startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? 'X', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function describeByPs(pid: number, column: string): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() || undefined;
}
