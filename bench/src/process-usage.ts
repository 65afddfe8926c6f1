import { readdirSync, readFileSync } from 'node:fs';

/** CLK_TCK of every Linux that Node runs on. */
const ticksPerSecond = 100;
const sampleMs = 250;

/** Root processes of each group whose usage is reported, by the group's name. Their descendants count with them. */
export type ProcessGroups = Readonly<Record<string, readonly number[]>>;

export interface Usage {
  readonly cpuSeconds: number;
  /** Private pages of all processes, and the pages that they share once. */
  readonly rssMib: number;
}

export interface MeteredUsage extends Usage {
  readonly peakRssMib: number;
}

/** CPU time and peak memory of process trees between its making and {@link Meter.stop}. Linux only: elsewhere all is 0. */
export class Meter {
  private readonly peaks = new Map<string, number>();
  private readonly before: ReadonlyMap<string, Usage>;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly groups: ProcessGroups) {
    this.before = this.sample();
    this.timer = setInterval(() => this.sample(), sampleMs);
  }

  stop(): Map<string, MeteredUsage> {
    clearInterval(this.timer);
    const after = this.sample();
    return new Map(
      [...after].map(([name, { cpuSeconds, rssMib }]) => [
        name,
        {
          cpuSeconds: cpuSeconds - (this.before.get(name)?.cpuSeconds ?? 0),
          rssMib,
          peakRssMib: this.peaks.get(name) ?? rssMib,
        },
      ]),
    );
  }

  private sample(): ReadonlyMap<string, Usage> {
    const usages = usagesOf(this.groups);
    for (const [name, { rssMib }] of usages) this.peaks.set(name, Math.max(this.peaks.get(name) ?? 0, rssMib));
    return usages;
  }
}

export function usagesOf(groups: ProcessGroups): Map<string, Usage> {
  const table = processTable();
  const members = membersOf(groups, new Map([...table].map(([pid, { parent }]) => [pid, parent])));
  return new Map([...members].map(([name, pids]) => [name, usageOf(pids, table)]));
}

/**
 * The processes of each group: its roots and what descends from them, but for what another group claims. The harness has started
 * everything, and is no part of it.
 *
 * @param parents each process's parent
 */
export function membersOf(groups: ProcessGroups, parents: ReadonlyMap<number, number>): Map<string, number[]> {
  const groupOf = new Map(
    Object.entries(groups).flatMap(([name, roots]) => roots.map((root) => [root, name] as const)),
  );
  const members = new Map<string, number[]>(Object.keys(groups).map((name) => [name, []]));
  for (const pid of parents.keys()) {
    let at: number | undefined = pid;
    while (at !== undefined && !groupOf.has(at)) at = parents.get(at);
    const name = at === undefined ? undefined : groupOf.get(at);
    if (name !== undefined) members.get(name)?.push(pid);
  }
  return members;
}

interface Process {
  readonly parent: number;
  /** Its own, and that of children that have ended. */
  readonly ticks: number;
}

function usageOf(pids: readonly number[], table: ReadonlyMap<number, Process>): Usage {
  let ticks = 0;
  let privateKib = 0;
  let fileKib = 0;
  let sharedKib = 0;
  for (const pid of pids) {
    ticks += table.get(pid)?.ticks ?? 0;
    const status = read(`/proc/${pid}/status`);
    const kib = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    privateKib += kib('RssAnon');
    fileKib = Math.max(fileKib, kib('RssFile'));
    sharedKib = Math.max(sharedKib, kib('RssShmem'));
  }
  return { cpuSeconds: ticks / ticksPerSecond, rssMib: (privateKib + fileKib + sharedKib) / 1024 };
}

function processTable(): Map<number, Process> {
  const table = new Map<number, Process>();
  for (const name of read('/proc/loadavg') === '' ? [] : readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The command may hold blanks and parentheses: what follows its last one has fixed places.
    const stat = read(`/proc/${name}/stat`);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [parent, ...ticks] = [fields[1], fields[11], fields[12], fields[13], fields[14]].map(Number);
    if (parent !== undefined) table.set(Number(name), { parent, ticks: ticks.reduce((sum, each) => sum + each, 0) });
  }
  return table;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
