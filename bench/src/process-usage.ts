import { readdirSync, readFileSync } from 'node:fs';

/** CLK_TCK of every Linux that Node runs on. */
const ticksPerSecond = 100;
const sampleMs = 250;

/** Root process of each group whose usage is reported, by the group's name. Their descendants count with them. */
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
  return new Map(Object.entries(groups).map(([name, roots]) => [name, usageOf(roots, table)]));
}

interface Process {
  readonly parent: number;
  /** Its own, and that of children that have ended. */
  readonly ticks: number;
}

function usageOf(roots: readonly number[], table: ReadonlyMap<number, Process>): Usage {
  let ticks = 0;
  let privateKib = 0;
  let fileKib = 0;
  let sharedKib = 0;
  for (const pid of withDescendants(roots, table)) {
    ticks += table.get(pid)?.ticks ?? 0;
    const status = read(`/proc/${pid}/status`);
    const kib = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    privateKib += kib('RssAnon');
    fileKib = Math.max(fileKib, kib('RssFile'));
    sharedKib = Math.max(sharedKib, kib('RssShmem'));
  }
  return { cpuSeconds: ticks / ticksPerSecond, rssMib: (privateKib + fileKib + sharedKib) / 1024 };
}

function withDescendants(roots: readonly number[], table: ReadonlyMap<number, Process>): Set<number> {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of table) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const found = new Set<number>();
  const pending = [...roots];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    pending.push(...(children.get(pid) ?? []));
  }
  return found;
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
