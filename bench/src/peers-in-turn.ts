import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked } from './asked';
import { isUnavailable, type Peer, type Peers } from './peers';
import { progress, seconds } from './progress';
import type { Row } from './rows';
import type { Scripts } from './scripts';

/** The peers that are asked for and can be had on this machine. Each is measured once in each repeat, after us. */
export class PeersInTurn {
  /** One line for each peer that was left out, with the reason. */
  readonly skipped: string[] = [];
  private readonly peers = new Map<string, Peer>();
  private directory: string | undefined;
  private opening: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(
    private readonly all: Peers,
    private readonly asked: Pick<Asked, 'size' | 'only' | 'peers'>,
    private readonly scripts: Pick<Scripts, 'inRoot'>,
  ) {}

  /** Gets all of them ready before anything is measured: that installs packages, and may take minutes the first time. */
  open(): Promise<void> {
    this.opening = this.openAll(this.asked.peers ?? []);
    return this.opening;
  }

  /** A peer that fails says so among the failures; the others go on. */
  async measure(failures: string[]): Promise<Row[]> {
    const workloads = [...(this.asked.only ?? [])];
    const rows: Row[] = [];
    for (const [name, peer] of this.peers) {
      if (this.isStopped) break;
      const began = performance.now();
      try {
        const measured = await peer.measure({ workloads, quick: this.asked.size === 'quick' });
        rows.push(...measured);
        for (const line of byWorkload(measured)) console.log(line);
        console.log(`${name} took ${seconds(began)} s`);
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
        if (!this.isStopped) console.log(`${name} failed: ${String(error)}`);
      }
    }
    return rows;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    // Whoever opens them is told of a failure.
    await this.opening.catch(() => undefined);
    try {
      for (const peer of this.peers.values()) await peer.close();
    } finally {
      if (this.directory !== undefined) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  private async openAll(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    mkdirSync(this.scripts.inRoot('.ryax'), { recursive: true });
    // Not in the system's folder for temporary files: that may lie in memory, where durability costs nothing.
    const directory = mkdtempSync(this.scripts.inRoot('.ryax', 'bench-peers-'));
    this.directory = directory;
    for (const name of names) if (!this.isStopped) await this.openOne(name, join(directory, name));
  }

  private async openOne(name: string, directory: string): Promise<void> {
    try {
      const peer = await this.all.openPeer(name, { directory, log: console.log });
      this.peers.set(name, peer);
      console.log(`${name}: ${JSON.stringify(peer.versions)}; ${peer.durability}`);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const skipped = `${name} skipped: ${error.reason}`;
      this.skipped.push(skipped);
      console.log(skipped);
    }
  }
}

function byWorkload(rows: readonly Row[]): string[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.system, row.workload]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) =>
    group.slice(0, 1).map(({ mode, workload, system }) => progress(mode, workload, system, group)),
  );
}
