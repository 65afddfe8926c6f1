import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { inRoot } from './paths.mjs';
import { diesWithUs, endChild, engineFlags, hasEnded } from './processes.mjs';

const readyPatienceMs = 120_000;
const stopPatienceMs = 30_000;
const keptLogLines = 25;

/** Where the engine of a data directory says that it runs. */
const recordOf = (dataDirectory) => join(dataDirectory, 'engine.json');

/** The url of the engine that holds this data directory; undefined when there is none. Two engines must not share one. */
export async function runningEngine(dataDirectory) {
  let record;
  try {
    record = JSON.parse(readFileSync(recordOf(dataDirectory), 'utf8'));
  } catch {
    return undefined;
  }
  // Left behind by a crash, it may name a process of somebody else: only an engine that answers counts.
  return isAlive(record.pid) && (await isReady(record.url)) ? record.url : undefined;
}

/** The whole engine in one process, under our care. */
export class Engine {
  /** Its last log lines, for whoever has to explain its end. */
  logTail = [];

  constructor({ dataDirectory, port, env = process.env, onLog = () => undefined }) {
    this.url = `http://127.0.0.1:${port}`;
    this.dataDirectory = dataDirectory;
    this.env = { ...env, RYAX_DATA_DIR: dataDirectory, RYAX_HTTP_PORT: String(port) };
    this.onLog = onLog;
  }

  /** Starts it and waits until it answers. */
  async start() {
    mkdirSync(this.dataDirectory, { recursive: true, mode: 0o700 });
    const entry = inRoot('dist', 'apps', 'standalone', 'src', 'main.js');
    const [command, ...args] = [...diesWithUs(), process.execPath, ...engineFlags, entry];
    // A group of its own: Ctrl-C is for the script, which then stops it in order.
    this.child = spawn(command, args, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('exit', (code, signal) => resolve(code ?? signal));
    });
    // Whoever waits for its end is told of a failure to start; nobody need wait.
    this.ended.catch(() => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface(stream).on('line', (line) => this.#keep(line));
    }
    writeFileSync(recordOf(this.dataDirectory), JSON.stringify({ pid: this.child.pid, url: this.url }));
    await this.#untilReady();
  }

  async stop() {
    if (this.child === undefined) return;
    await endChild(this.child, { patienceMs: stopPatienceMs });
    rmSync(recordOf(this.dataDirectory), { force: true });
  }

  #keep(line) {
    this.logTail = [...this.logTail, line].slice(-keptLogLines);
    this.onLog(line);
  }

  async #untilReady() {
    const deadline = performance.now() + readyPatienceMs;
    while (performance.now() < deadline) {
      if (hasEnded(this.child)) throw new Error(`The engine ended with ${await this.ended} before it was ready.`);
      if (await isReady(this.url)) return;
      await wait(50);
    }
    throw new Error(`The engine was not ready after ${readyPatienceMs / 1000} s.`);
  }
}

async function isReady(url) {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) })).ok;
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    return Number.isInteger(pid) && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
