import { setTimeout as wait } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { LogView } from './log-view';
import type { ProcessGroups } from './process-usage';
import { RestClient } from './rest-client';
import type { Mode } from './rows';
import { describeServers } from './servers';
import type { LocalServer, Scripts, ServiceProcesses, StartedService } from './scripts';

/** Long enough for a machine under load; what waits for so long has stalled. */
const readyWithinMs = 60_000;

export interface EngineOptions {
  /** Executions at once. Left out: what the executor finds right for the machine. */
  readonly slots?: number;
  /** Distributed only: `runner=2`. */
  readonly replicas?: string;
  readonly partitions?: number;
  /** `startsInFlight` of the intake. */
  readonly startsInFlight?: number;
}

type LineListener = (line: string) => void;

/**
 * A fresh engine on a database of its own, as real processes: `standalone` is one process with everything in it,
 * `distributed` four services over RabbitMQ. Both over the same PostgreSQL with fsync and synchronous_commit on.
 */
export class EngineUnderTest {
  readonly stops: (() => Promise<void>)[] = [];
  private readonly listeners = new Set<LineListener>();
  private readonly lastLines: string[] = [];
  private stopped: Promise<void> | undefined;

  private constructor(
    readonly mode: Mode,
    private readonly scripts: Scripts,
    private readonly directory: string,
    readonly postgres: LocalServer,
    readonly client: RestClient,
    readonly log: LogView,
    private readonly services: () => readonly StartedService[],
    private readonly broker: LocalServer | undefined,
    /** Their versions, and that they lose nothing. */
    readonly servers: string,
  ) {}

  static async start(scripts: Scripts, mode: Mode, options: EngineOptions = {}): Promise<EngineUnderTest> {
    const { inRoot, freePorts, startLocalPostgres, startLocalRabbitMq, Engine, Services, parseReplicas } = scripts;
    mkdirSync(inRoot('.ryax'), { recursive: true });
    const directory = mkdtempSync(inRoot('.ryax', 'bench-'));
    const stops: (() => Promise<void>)[] = [];
    const lines = (label: string, line: string) => engine?.heard(label, line);
    let engine: EngineUnderTest | undefined;
    try {
      const [postgres, broker] = await startServers(stops, [
        startLocalPostgres(directory),
        mode === 'distributed' ? startLocalRabbitMq(directory) : undefined,
      ]);
      const [port = 0] = await freePorts(1);
      // As in production: services listen to the network, so they want tokens; one process on a laptop does not.
      const secret = mode === 'distributed' ? randomBytes(32).toString('hex') : undefined;
      const env = environment({ directory, port, datastore: postgres.url, broker: broker?.url, secret }, options);
      const url = `http://127.0.0.1:${port}`;
      let services: () => readonly StartedService[];
      if (mode === 'standalone') {
        const process = new Engine({ dataDirectory: directory, port, env, onLog: (line) => lines('engine', line) });
        stops.unshift(() => process.stop());
        await process.start();
        services = () => [{ label: 'engine', pid: process.child.pid, restart: () => process.start() }];
      } else {
        const all = await new Promise<ServiceProcesses>((resolve, reject) => {
          const onGivenUp = (reason: string) => reject(new Error(reason));
          const starting = new Services({ env, httpPort: String(port), onLine: lines, onGivenUp });
          stops.unshift(() => starting.stop());
          starting.start(parseReplicas(options.replicas)).then(() => resolve(starting), reject);
        });
        services = () => all.describe();
      }
      const log = await LogView.open(postgres.url);
      stops.unshift(() => log.close());
      const servers = await describeServers(log, broker?.url);
      const client = new RestClient(url, secret === undefined ? undefined : await tokenOf(secret));
      stops.unshift(() => Promise.resolve(client.close()));
      engine = new EngineUnderTest(mode, scripts, directory, postgres, client, log, services, broker, servers);
      engine.stops.push(...stops);
      return engine;
    } catch (error) {
      for (const stop of stops) await stop().catch(() => undefined);
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Whose CPU time and memory is the engine's; the harness, which submits, is counted with it. */
  get groups(): ProcessGroups {
    const services = this.services().map(({ label, pid }) => [label, [pid]] as const);
    return {
      ...Object.fromEntries(services),
      postgres: [this.postgres.pid],
      ...(this.broker === undefined ? {} : { rabbitmq: [this.broker.pid] }),
      harness: [process.pid],
    };
  }

  /** Publishes a local action folder; definitions name it by `id@version`. */
  async publish(folder: string): Promise<void> {
    const cli = this.scripts.inRoot('dist', 'apps', 'cli', 'src', 'main.js');
    const { url, token } = this.client;
    const args = [cli, '--url', url, ...(token === undefined ? [] : ['--token', token]), 'actions', 'publish', folder];
    await promisify(execFile)(process.execPath, args);
  }

  /**
   * `kill -9`, then the same service again, as a cluster would do it. Resolves when the new process has begun; `ready` does when it
   * says that it may be given work.
   */
  async killAndRestart(label: string): Promise<{ readonly startedAt: number; readonly ready: Promise<void> }> {
    const find = () => this.services().find((each) => each.label === label);
    const service = find();
    if (service === undefined) throw new Error(`Expected a service ${label}, found none`);
    const { pid, restart } = service;
    process.kill(pid, 'SIGKILL');
    await until(() => hasEnded(pid), `${label} to end`);
    if (restart === undefined) {
      // Services are started again by their supervisor, after a pause of its own; the one process by us.
      await until(() => (find()?.pid ?? pid) !== pid, `${label} to be started again`);
      return { startedAt: performance.now(), ready: Promise.resolve() };
    }
    const startedAt = performance.now();
    const ready = restart();
    // Whoever waits for it is told.
    ready.catch(() => undefined);
    return { startedAt, ready };
  }

  /** Calls back with each line that a service writes, until it is stopped. */
  onLine(listener: (line: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The end of what the services wrote, to explain a failure by. */
  get lastWords(): string {
    return this.lastLines.join('\n');
  }

  /** Whoever asks while it is being stopped waits as well. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async stopAll(): Promise<void> {
    try {
      for (const stop of this.stops.splice(0)) await stop();
    } finally {
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  private heard(label: string, line: string): void {
    for (const listener of [...this.listeners]) listener(line);
    this.lastLines.push(`[${label}] ${line}`);
    if (this.lastLines.length > 50) this.lastLines.shift();
  }
}

interface Surroundings {
  readonly directory: string;
  readonly port: number;
  readonly datastore: string;
  readonly broker: string | undefined;
  readonly secret: string | undefined;
}

function environment(
  { directory, port, datastore, broker, secret }: Surroundings,
  { slots, partitions, startsInFlight }: EngineOptions,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('RYAX_'));
  return {
    ...Object.fromEntries(inherited),
    RYAX_DATA_DIR: directory,
    RYAX_HTTP_PORT: String(port),
    // What still runs when a measurement is over sleeps: nothing is to be waited for.
    RYAX_FINISH_SECONDS: '0',
    RYAX_DATASTORE: datastore,
    ...(broker === undefined ? {} : { RYAX_BROKER: broker }),
    ...(secret === undefined ? {} : { RYAX_JWT_SECRET_KEY: secret }),
    ...(slots === undefined ? {} : { RYAX_MAX_CONCURRENT_TASKS: String(slots) }),
    ...(partitions === undefined ? {} : { RYAX_PARTITIONS: String(partitions) }),
    ...(startsInFlight === undefined ? {} : { RYAX_LIMIT_STARTS_IN_FLIGHT: String(startsInFlight) }),
  };
}

function tokenOf(secret: string): Promise<string> {
  const scope = 'workflow:read workflow:deploy workflow:execute action:publish';
  const key = new TextEncoder().encode(secret);
  return new SignJWT({ scope }).setProtectedHeader({ alg: 'HS256' }).setSubject('bench').sign(key);
}

function hasEnded(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}

/** Looks every few milliseconds; the waits are for processes, which tell nobody. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  { everyMs = 5, withinMs = readyWithinMs } = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Expected ${what} within ${withinMs} ms`);
    await wait(everyMs);
  }
}

/** Side by side; what has started is stopped with the engine, also when another has not. */
async function startServers(
  stops: (() => Promise<void>)[],
  [postgres, broker]: readonly [Promise<LocalServer>, Promise<LocalServer> | undefined],
): Promise<[LocalServer, LocalServer | undefined]> {
  const started = await Promise.allSettled([
    postgres.then((server) => stops.unshift(() => server.stop())),
    // Its data is thrown away: no need to wait for an orderly end, which takes six seconds.
    broker?.then((server) => stops.unshift(() => server.stop('SIGKILL'))),
  ]);
  const failed = started.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return Promise.all([postgres, broker]);
}
