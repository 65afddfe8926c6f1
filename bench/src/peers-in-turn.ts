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
  private readonly open = new Map<string, Peer>();
  private directory: string | undefined;

  private constructor(private readonly asked: Pick<Asked, 'size' | 'only'>) {}

  /** Gets all of them ready before anything is measured: that installs packages, and may take minutes the first time. */
  static async open(peers: Peers, asked: Asked, scripts: Pick<Scripts, 'inRoot'>): Promise<PeersInTurn> {
    const inTurn = new PeersInTurn(asked);
    try {
      for (const name of asked.peers ?? []) await inTurn.openOne(peers, name, scripts);
      return inTurn;
    } catch (error) {
      await inTurn.close();
      throw error;
    }
  }

  /** A peer that fails says so among the failures; the others go on. */
  async measure({ rows, failures }: { readonly rows: Row[]; readonly failures: string[] }): Promise<void> {
    const workloads = [...(this.asked.only ?? [])];
    for (const [name, peer] of this.open) {
      const began = performance.now();
      try {
        const measured = await peer.measure({ workloads, quick: this.asked.size === 'quick' });
        rows.push(...measured);
        for (const part of byWorkload(measured)) console.log(part);
        console.log(`${name} took ${seconds(began)} s`);
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
        console.log(`${name} failed`);
      }
    }
  }

  async close(): Promise<void> {
    for (const peer of this.open.values()) await peer.close();
    if (this.directory !== undefined) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  private async openOne(peers: Peers, name: string, { inRoot }: Pick<Scripts, 'inRoot'>): Promise<void> {
    if (this.directory === undefined) {
      mkdirSync(inRoot('.ryax'), { recursive: true });
      // Not in the system's folder for temporary files: that may lie in memory, where durability costs nothing.
      this.directory = mkdtempSync(inRoot('.ryax', 'bench-peers-'));
    }
    try {
      const peer = await peers.openPeer(name, { directory: join(this.directory, name), log: console.log });
      this.open.set(name, peer);
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
