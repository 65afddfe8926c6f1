import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100; // USER_HZ, the same on every Linux architecture that matters here.
const sampleMs = 250;

/**
 * CPU time and memory of groups of processes, from /proc. A group is a process with all its descendants, except those that
 * are a group of their own: the worker is a child of the submitter.
 */
export class Meter {
  #groups;
  #peakRssMib = {};
  #before;
  #timer;

  /** @param {Record<string, number>} groups name → pid of the process at the group's top */
  constructor(groups) {
    this.#groups = groups;
    this.#before = this.#sample();
    this.#timer = setInterval(() => this.#sample(), sampleMs);
  }

  /** What was used since the start. */
  stop() {
    clearInterval(this.#timer);
    const after = this.#sample();
    const spent = Object.keys(after).map((name) => after[name].cpuSeconds - this.#before[name].cpuSeconds);
    return { cpuSeconds: spent.reduce((sum, seconds) => sum + seconds, 0), peakRssMib: this.#peakRssMib };
  }

  #sample() {
    const processes = readProcesses();
    const tops = new Set(Object.values(this.#groups));
    const usage = {};
    for (const [name, pid] of Object.entries(this.#groups)) {
      usage[name] = usageOf(pid, processes, tops);
      this.#peakRssMib[name] = Math.max(this.#peakRssMib[name] ?? 0, usage[name].rssMib);
    }
    return usage;
  }
}

/** Descendants that have ended are counted through the parent that waited for them. */
function usageOf(top, processes, tops) {
  let ticks = 0;
  const rssKib = { private: 0, file: 0, shared: 0 };
  const pending = [top];
  while (pending.length > 0) {
    const pid = pending.pop();
    const found = processes.get(pid);
    if (found === undefined) continue;
    ticks += found.ticks + found.endedTicks;
    const memory = readMemory(pid);
    rssKib.private += memory.private;
    // All processes of a server map the same program and the same shared buffers: once is right.
    rssKib.file = Math.max(rssKib.file, memory.file);
    rssKib.shared = Math.max(rssKib.shared, memory.shared);
    pending.push(...found.children.filter((child) => !tops.has(child)));
  }
  return { cpuSeconds: ticks / ticksPerSecond, rssMib: (rssKib.private + rssKib.file + rssKib.shared) / 1024 };
}

/** @returns {Map<number, { ticks: number, endedTicks: number, children: number[] }>} */
function readProcesses() {
  const processes = new Map();
  const parents = new Map();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    const stat = readText(`/proc/${pid}/stat`);
    if (stat === '') continue;
    // The program's name, in brackets, may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [, parent] = fields;
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
    processes.set(pid, { ticks: user + system, endedTicks: endedUser + endedSystem, children: [] });
    parents.set(pid, Number(parent));
  }
  for (const [pid, parent] of parents) processes.get(parent)?.children.push(pid);
  return processes;
}

function readMemory(pid) {
  const status = readText(`/proc/${pid}/status`);
  const kib = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { private: kib('RssAnon'), file: kib('RssFile'), shared: kib('RssShmem') };
}

/** Empty when the process has gone meanwhile. */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
