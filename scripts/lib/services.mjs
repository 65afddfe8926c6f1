import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { inRoot } from './paths.mjs';
import { diesWithUs, endChild, freePorts, hasEnded, serviceFlags } from './processes.mjs';

/**
 * In the order in which they are stopped: first nobody asks any more, then what runs is finished or handed back while those who
 * record it still listen.
 */
export const serviceNames = ['studio-intake', 'executor', 'runner', 'state-store'];

const stopPatienceMs = 30_000;
const readyPatienceMs = 120_000;
const restartDelayMs = 1_000;

/** `runner=2,executor=3` → how many of each service; one where nothing is said. */
export function parseReplicas(text = '') {
  const replicas = Object.fromEntries(serviceNames.map((name) => [name, 1]));
  for (const part of text.split(',').filter(Boolean)) {
    const [name, count] = part.split('=');
    if (!(name in replicas) || !/^[1-9]\d?$/.test(count ?? '')) {
      throw new Error(`Expected --replicas like runner=2,executor=2, found "${part}"`);
    }
    if (name === 'studio-intake' && count !== '1') throw new Error('studio-intake has one REST port: one replica only');
    replicas[name] = Number(count);
  }
  return replicas;
}

/** The four services as processes; one that dies is started again, as a cluster would. */
export class Services {
  #running = [];
  #stopping = false;

  /**
   * `onGivenUp` is told of a service that ends before it was ever ready: starting it again would not help. `onLine` gets what each
   * service writes.
   */
  constructor({ env, httpPort, onGivenUp, onLine = (label, line) => console.log(`[${label}] ${line}`) }) {
    this.env = env;
    this.httpPort = httpPort;
    this.onGivenUp = onGivenUp;
    this.onLine = onLine;
  }

  async start(replicas) {
    const names = serviceNames.flatMap((name) =>
      Array.from({ length: replicas[name] }, (_, index) => ({ name, label: `${name}-${index + 1}` })),
    );
    const ports = await freePorts(names.length);
    this.#running = names.map(({ name, label }, index) => ({
      name,
      label,
      healthPort: ports[index],
      // A service with REST answers for its health there.
      readyUrl: `http://127.0.0.1:${name === 'studio-intake' ? this.httpPort : ports[index]}/readyz`,
      wasReady: false,
    }));
    for (const service of this.#running) this.#launch(service);
    await Promise.all(this.#running.map((service) => this.#waitUntilReady(service)));
  }

  /** For the table that is printed. */
  describe() {
    return this.#running.map(({ label, child, readyUrl }) => ({ label, pid: child.pid, readyUrl }));
  }

  async stop() {
    this.#stopping = true;
    for (const name of serviceNames) {
      const group = this.#running.filter((service) => service.name === name && service.child);
      await Promise.all(group.map(({ child }) => endChild(child, { patienceMs: stopPatienceMs })));
    }
  }

  #launch(service) {
    const entry = inRoot('dist', 'apps', service.name, 'src', 'main.js');
    const env = { ...this.env, RYAX_HEALTH_PORT: String(service.healthPort) };
    // A group of its own: Ctrl-C is for this script, which then stops them in order.
    const [command, ...args] = [...diesWithUs(), process.execPath, ...serviceFlags, entry];
    const child = spawn(command, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    service.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => this.onLine(service.label, line));
    }
    child.once('error', (error) => this.onGivenUp(`${service.label} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (!service.wasReady) {
        this.onGivenUp(`${service.label} ended with ${code ?? signal} before it was ready`);
        return;
      }
      this.onLine(service.label, `ended with ${code ?? signal}; it is started again`);
      setTimeout(() => {
        if (!this.#stopping) this.#launch(service);
      }, restartDelayMs);
    });
  }

  async #waitUntilReady(service) {
    const deadline = performance.now() + readyPatienceMs;
    let seen = 'no answer';
    while (!this.#stopping && performance.now() < deadline) {
      if (hasEnded(service.child)) return;
      try {
        const response = await fetch(service.readyUrl, { signal: AbortSignal.timeout(3_000) });
        seen = `${response.status} ${await response.text()}`;
        if (response.ok) {
          service.wasReady = true;
          return;
        }
      } catch (error) {
        seen = error.cause?.message ?? error.message;
      }
      await wait(100);
    }
    if (!this.#stopping) throw new Error(`${service.label} was not ready after ${readyPatienceMs} ms: ${seen}`);
  }
}
