// In the submitter's process: the worker as it sees it.
import { fork } from 'node:child_process';

const patienceMs = 240_000;
const stopPatienceMs = 5_000;

export class WorkerProcess {
  #child;
  #waiting = new Map();
  #seen = new Map();

  constructor(url, target) {
    const env = { ...process.env, NODE_ENV: 'production', PEER_TARGET: JSON.stringify(target) };
    this.#child = fork(url, [], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (messages) => {
      for (const [key, value] of messages) this.#settle(key, value);
    });
    /** Rejects when the worker ends without being asked to. */
    this.failure = new Promise((_, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => reject(new Error(`The worker ended with ${code ?? signal}`)));
    });
    this.failure.catch(() => undefined);
  }

  get pid() {
    return this.#child.pid;
  }

  /** What the worker tells under this key, now or later: once for each key. */
  on(key) {
    if (this.#seen.has(key)) return Promise.resolve(this.#seen.get(key));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`No "${key}" from the worker in ${patienceMs} ms`)), patienceMs);
      this.#waiting.set(key, { resolve, timer });
    });
  }

  /** How many steps the worker has executed since it started. */
  async steps() {
    this.#seen.delete('steps');
    this.#child.send('steps');
    return this.on('steps');
  }

  async stop() {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopPatienceMs);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await gone;
    clearTimeout(timer);
  }

  #settle(key, value) {
    this.#seen.set(key, value);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(key);
    waiting.resolve(value);
  }
}
