import { readFileSync } from 'node:fs';

/** Field 22 of /proc/PID/stat, counted after the command's name, which may itself hold spaces and parentheses. */
const startTimeIndex = 19;

/**
 * Names a process for as long as the machine runs: its id is given to others, its id with the time when it started is
 * not. Undefined when there is no such process, or no /proc to ask.
 */
export function processIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[startTimeIndex];
    return startTime === undefined ? undefined : `${pid}-${startTime}`;
  } catch {
    return undefined;
  }
}

/** Without a /proc nobody can be told to be gone. */
export function isAlive(identity: string): boolean {
  if (processIdentity(process.pid) === undefined) return true;
  return processIdentity(Number.parseInt(identity, 10)) === identity;
}
