import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { freePort } from '@ryax/platform';
import { useServices, waitFor, type ServiceProcess } from '@ryax/testing';

export const serviceNames = ['state-store', 'runner', 'executor', 'studio-intake'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Patience for a run to end: generous, since a restart of the broker alone takes ten seconds. */
const runTimeoutMs = 120_000;

export interface HistoryEvent {
  readonly version: number;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

export interface Runner {
  readonly process: ServiceProcess;
  /** How many it owns, as of its last beat. */
  readonly partitions: () => Promise<number>;
}

interface Settings {
  readonly brokerUrl: () => string;
  readonly datastoreUrl: () => string;
  /** Variables for all services. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The four services as processes of the operating system, over a real broker and a real database. */
export class Engine {
  private readonly services = useServices();
  private readonly running = new Map<ServiceName, ServiceProcess>();
  private readonly ports = new Map<ServiceName, number>();
  private readonly directory = mkdtempSync(join(tmpdir(), 'ryax-e2e-'));
  private readonly secret = randomBytes(32).toString('hex');
  private token = '';

  constructor(private readonly settings: Settings) {
    afterAll(() => rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  }

  async startAll(): Promise<void> {
    this.token = await this.tokenFor(
      'workflow:read workflow:deploy workflow:execute action:publish file:write engine:operate',
    );
    await Promise.all(serviceNames.map((name) => this.start(name)));
  }

  tokenFor(scope: string): Promise<string> {
    const key = new TextEncoder().encode(this.secret);
    return new SignJWT({ scope }).setProtectedHeader({ alg: 'HS256' }).setSubject('tester').sign(key);
  }

  async start(name: ServiceName): Promise<void> {
    const port = this.ports.get(name) ?? (await freePort());
    this.ports.set(name, port);
    this.running.set(name, await this.launch(name, port));
  }

  /** One more runner beside the first; whoever starts it stops it. */
  async startSecondRunner(): Promise<Runner> {
    const port = await freePort();
    return { process: await this.launch('runner', port), partitions: () => partitionsOwned(port) };
  }

  get firstRunner(): Runner {
    return { process: this.process('runner'), partitions: () => partitionsOwned(this.ports.get('runner')) };
  }

  private launch(name: ServiceName, port: number): Promise<ServiceProcess> {
    return this.services.start({
      name,
      env: {
        RYAX_BROKER: this.settings.brokerUrl(),
        RYAX_DATASTORE: this.settings.datastoreUrl(),
        RYAX_DATA_DIR: this.directory,
        RYAX_JWT_SECRET_KEY: this.secret,
        RYAX_ENCRYPTION_KEY: 'a key for tests only',
        RYAX_EXECUTOR_PATIENCE_MS: '4000',
        ...this.settings.env,
        ...(name === 'studio-intake' ? { RYAX_HTTP_PORT: String(port) } : { RYAX_HEALTH_PORT: String(port) }),
      },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.running.values()].map((service) => service.stop()));
  }

  process(name: ServiceName): ServiceProcess {
    const service = this.running.get(name);
    if (service === undefined) throw new Error(`Expected ${name} to be started`);
    return service;
  }

  async killAndRestart(name: ServiceName): Promise<void> {
    await this.process(name).kill();
    await this.start(name);
  }

  /** Its figures, as Prometheus would read them; not of the intake. */
  async metricsOf(name: Exclude<ServiceName, 'studio-intake'>): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.ports.get(name)}/metrics`)).text();
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.get('studio-intake')}`;
  }

  request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw(body) ? body : JSON.stringify(body) }),
    });
  }

  /** For requests of another kind. */
  get authorization(): string {
    return `Bearer ${this.token}`;
  }

  /** The body of an answer that must be a success. */
  async json<T>(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T> {
    const response = await this.request(method, path, body, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`Expected ${method} ${path} to succeed, found ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** Deploys and starts; answers the run's id. */
  async execute(definition: object, inputs: object = {}): Promise<string> {
    const { run_id } = await this.json<{ run_id: string }>('POST', '/v1/executions', { definition, inputs });
    return run_id;
  }

  /** The whole history, however long. */
  async history(runId: string): Promise<HistoryEvent[]> {
    const events: HistoryEvent[] = [];
    for (;;) {
      const path = `/v1/runs/${runId}/history?limit=1000&after_version=${events.at(-1)?.version ?? 0}`;
      const page = await this.json<{ events: HistoryEvent[] }>('GET', path);
      events.push(...page.events);
      if (page.events.length === 0) return events;
    }
  }

  async state(runId: string): Promise<string> {
    const { run } = await this.json<{ run: { state: string } }>('GET', `/v1/runs/${runId}?limit=1`);
    return run.state;
  }

  async results(runId: string): Promise<Record<string, unknown>> {
    return (await this.json<{ results: Record<string, unknown> }>('GET', `/v1/runs/${runId}/results`)).results;
  }

  /** Waits until the history has this many events of a type: the middle of a run. */
  async waitForEvents(runId: string, type: string, count: number): Promise<void> {
    await waitFor(async () => (await this.history(runId)).filter((event) => event.type === type).length >= count, {
      timeoutMs: runTimeoutMs,
      describe: () => `${count} ${type} in run ${runId}`,
    });
  }

  /** Waits for the end and answers how the run ended. Services may be away meanwhile. */
  async waitForEnd(runId: string): Promise<string> {
    let seen = 'nothing';
    await waitFor(
      async () => {
        seen = await this.state(runId).catch((error: unknown) => `an error: ${String(error)}`);
        return ['succeeded', 'failed', 'cancelled'].includes(seen);
      },
      { timeoutMs: runTimeoutMs, describe: () => `run ${runId} to end, last seen: ${seen}\n${this.outputs()}` },
    );
    return seen;
  }

  private outputs(): string {
    return [...this.running].map(([name, service]) => `--- ${name}\n${service.output.slice(-3_000)}`).join('\n');
  }
}

/** What must hold for every history, whatever happened to the processes. */
export function expectSoundHistory(events: readonly HistoryEvent[]): void {
  const once = (type: string) => {
    const attempts = events
      .filter((event) => event.type === type)
      .map(({ data }) => `${String(data['execution'])}#${String(data['attempt'])}`);
    expect({ type, repeated: attempts.filter((attempt, index) => attempts.indexOf(attempt) !== index) }).toEqual({
      type,
      repeated: [],
    });
  };
  once('ExecutionScheduled');
  once('ExecutionSucceeded');
  const succeeded = events.filter(({ type }) => type === 'ExecutionSucceeded').map(({ data }) => data['execution']);
  expect(new Set(succeeded).size).toBe(succeeded.length);
  expect(events.map(({ version }) => version)).toEqual(events.map((_event, index) => index + 1));
  const ends = events.filter(({ type }) => ['RunSucceeded', 'RunFailed', 'RunCancelled'].includes(type));
  expect(ends).toHaveLength(1);
  expect(events.at(-1)).toBe(ends[0]);
}

function isRaw(body: unknown): body is string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body);
}

async function partitionsOwned(port: number | undefined): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^ryax_partitions_owned (\d+)$/m.exec(metrics)?.[1]);
}
