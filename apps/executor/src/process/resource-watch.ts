import { readdir, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

export interface ResourceBounds {
  readonly memoryBytes: number | undefined;
  /** CPU time of all processes and threads together, counted from the beginning of the watch. */
  readonly cpuMs: number | undefined;
}

export type Breach =
  | { readonly resource: 'memory'; readonly used: number; readonly allowed: number }
  | { readonly resource: 'cpu'; readonly usedMs: number; readonly allowedMs: number };

interface Usage {
  readonly residentBytes: number;
  readonly cpuMs: number;
}

/** So often is a bounded attempt looked at: what grows faster than that can pass its bound for as long. */
const intervalMs = 200;
/** /proc counts CPU time in hundredths of a second, whatever the kernel's own tick. */
const tickMs = 10;

/**
 * Watches a process and its descendants until `signal` aborts; resolves with the first breach, or undefined. Memory is
 * judged by resident size; before anything is accused, by proportional size, so that what processes share counts once.
 */
export async function watchResources(
  root: number,
  bounds: ResourceBounds,
  signal: AbortSignal,
): Promise<Breach | undefined> {
  const { memoryBytes = Infinity, cpuMs = Infinity } = bounds;
  let before: number | undefined;
  while (await passes(intervalMs, signal)) {
    const tree = await processTree(root);
    const usage = await usageOf(tree);
    if (signal.aborted) return undefined;
    // The first look is the baseline: a short call costs nothing, and a long one is forgiven its first moment.
    before ??= usage.cpuMs;
    const usedMs = usage.cpuMs - before;
    if (usedMs > cpuMs) return { resource: 'cpu', usedMs, allowedMs: cpuMs };
    if (usage.residentBytes <= memoryBytes) continue;
    const used = await proportionalBytes(tree, usage.residentBytes);
    if (used > memoryBytes) return { resource: 'memory', used, allowed: memoryBytes };
  }
  return undefined;
}

/** Waits; false when the signal came first. */
async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(ms, true, { signal, ref: false }).catch(() => false);
}

/** A process and all its descendants; orphans among them belong to the first process of their namespace. */
async function processTree(root: number): Promise<readonly number[]> {
  const tree = [root];
  for (const pid of tree) tree.push(...(await childrenOf(pid)));
  return tree;
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => readOrNothing(`/proc/${pid}/task/${thread}/children`)));
  return lists.flatMap((list) =>
    list
      .split(' ')
      .filter((child) => child.trim() !== '')
      .map(Number),
  );
}

async function usageOf(tree: readonly number[]): Promise<Usage> {
  const usages = await Promise.all(tree.map(usageOfOne));
  return usages.reduce(
    (sum, { residentBytes, cpuMs }) => ({ residentBytes: sum.residentBytes + residentBytes, cpuMs: sum.cpuMs + cpuMs }),
    { residentBytes: 0, cpuMs: 0 },
  );
}

async function usageOfOne(pid: number): Promise<Usage> {
  const [status, stat] = await Promise.all([readOrNothing(`/proc/${pid}/status`), readOrNothing(`/proc/${pid}/stat`)]);
  // Own time in user and kernel mode, and that of children which have ended: fields 14 to 17, counted after the name.
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15);
  const cpuMs = ticks.reduce((sum, tick) => sum + Number(tick) * tickMs, 0);
  return { residentBytes: kibibytes(status, /^VmRSS:\s+(\d+) kB/m), cpuMs };
}

async function proportionalBytes(tree: readonly number[], otherwise: number): Promise<number> {
  const rollups = await Promise.all(tree.map((pid) => readOrNothing(`/proc/${pid}/smaps_rollup`)));
  const bytes = rollups.reduce((sum, rollup) => sum + kibibytes(rollup, /^Pss:\s+(\d+) kB/m), 0);
  return bytes > 0 ? bytes : otherwise;
}

function kibibytes(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0) * 1024;
}

/** A process may be gone by the time it is read: then it uses nothing. */
async function readOrNothing(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '');
}
