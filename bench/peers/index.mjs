import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endChild } from '../../scripts/lib/processes.mjs';
import { ensureNode, ensurePackages } from './lib/install.mjs';
import { rowsOf } from './lib/rows.mjs';
import { PeerUnavailableError } from './lib/unavailable.mjs';

export { peerWorkloads } from './lib/workloads.mjs';
export { PeerUnavailableError };

export const peerNames = ['bullmq', 'pg-boss', 'graphile-worker', 'restate', 'dbos'];

const submitter = fileURLToPath(new URL('lib/submitter.mjs', import.meta.url));

/**
 * What a peer's folder says about it, in `peer.mjs`.
 * @typedef {object} PeerDefinition
 * @property {{ system: string, mode: string }[]} variants what is measured: under which name, and in which of its ways
 * @property {string} durability
 * @property {(log: (line: string) => void) => Promise<Record<string, string>>} prepareServer has the server's program
 *   installed where it is missing, and answers versions
 * @property {(directory: string) => Promise<import('./lib/server-process.mjs').RunningServer>} startServer a fresh one
 */

/**
 * Gets a peer ready to be measured: installs what is missing and sees its server start. Throws PeerUnavailableError where
 * that cannot be.
 * @param {string} name one of `peerNames`
 * @param {{ directory: string, log?: (line: string) => void }} options the directory is for the data of the peer's server
 */
export async function openPeer(name, { directory, log = () => undefined }) {
  if (!peerNames.includes(name)) throw new Error(`Expected a peer of ${peerNames.join(', ')}, found "${name}"`);
  if (process.platform !== 'linux') {
    throw new PeerUnavailableError(name, `CPU and memory are read from /proc, which ${process.platform} lacks`);
  }
  const { peer: definition } = await import(`./${name}/peer.mjs`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    const packages = await ensurePackages(name, log);
    const node = await ensureNode(name, log);
    const serverVersions = await definition.prepareServer(log);
    const versions = { ...packages, ...serverVersions, node: node.version };
    const peer = new Peer({ name, definition, versions, directory, log, nodePath: node.path });
    await peer.tryServer();
    return peer;
  } catch (error) {
    throw new PeerUnavailableError(name, error.message, { cause: error });
  }
}

class Peer {
  #definition;
  #directory;
  #nodePath;
  #log;
  /** How to end what runs now, in the order in which it is ended. */
  #stops = [];
  #ending = Promise.resolve();
  #isClosed = false;

  constructor({ name, definition, versions, directory, log, nodePath }) {
    this.name = name;
    this.systems = definition.variants.map(({ system }) => system);
    this.versions = versions;
    this.durability = definition.durability;
    this.#definition = definition;
    this.#directory = directory;
    this.#nodePath = nodePath;
    this.#log = log;
  }

  /**
   * One repeat of the workloads, each variant with a fresh store. The server runs only meanwhile, so that it takes nothing
   * from whatever else is measured between two repeats. Throws when the peer has not done exactly what it was given.
   * @param {{ workloads: string[], quick?: boolean }} options of `peerWorkloads`; others are left out
   * @returns {Promise<import('./lib/rows.mjs').Row[]>}
   */
  async measure({ workloads, quick = false }) {
    const rows = [];
    for (const { system, mode } of this.#definition.variants) {
      this.#log(`Measuring ${system}…`);
      const measured = await this.#withServer((server) => {
        const target = { ...server.target, mode };
        return this.#submit({ peer: this.name, target, serverPid: server.pid, workloads, isQuick: quick });
      });
      rows.push(...rowsOf(system, measured));
    }
    return rows;
  }

  /** Whether the server can be started here at all. */
  tryServer() {
    return this.#withServer(async () => undefined);
  }

  /** Ends whatever still runs, also in the middle of a measurement, which then fails. */
  async close() {
    this.#isClosed = true;
    await this.#endAll();
  }

  async #withServer(use) {
    if (this.#isClosed) throw new Error(`${this.name} has been closed`);
    const directory = mkdtempSync(join(this.#directory, `${this.name}-`));
    try {
      const server = await this.#definition.startServer(directory);
      this.#stops.unshift(server.stop);
      if (this.#isClosed) throw new Error(`${this.name} has been closed`);
      const serverEnd = server.ended.then(() => {
        throw new Error(`The server of ${this.name} ended while it was in use`);
      });
      return await Promise.race([use(server), serverEnd]);
    } finally {
      await this.#endAll();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  /** Lets a process of its own submit the runs, under the Node that the peer needs. */
  async #submit(request) {
    const child = fork(submitter, [], {
      execPath: this.#nodePath,
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    this.#stops.unshift(() => endChild(child));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => this.#log(`${this.name}: ${line}`));
    }
    const answer = await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`The submitter ended with ${code ?? signal}`)));
      child.send(request);
    });
    if (answer.error !== undefined) throw new Error(`${this.name}: ${answer.error}`);
    return answer.measured;
  }

  /** Whoever calls while another ends them waits as well: the server's files are removed afterwards. */
  #endAll() {
    const before = this.#ending;
    const stops = this.#stops.splice(0);
    this.#ending = (async () => {
      await before;
      for (const stop of stops) await stop();
    })();
    return this.#ending;
  }
}
