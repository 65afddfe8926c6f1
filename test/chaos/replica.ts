import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startProxy, startService, through, waitFor, type Proxy, type ServiceProcess } from '@ryax/testing';
import type { Member } from './roster';

export interface ReplicaSettings {
  readonly member: Member;
  readonly brokerUrl: string;
  readonly databaseUrl: string;
  /** Where it leaves what it wrote and finds its clock. */
  readonly directory: string;
  /** Loaded before its own code. */
  readonly modules: readonly string[];
  readonly readyUrl: string;
  readonly env: Readonly<Record<string, string>>;
  readonly under: readonly string[];
}

/** What a supervisor waits before it starts again what has ended. */
const restartDelayMs = 500;
/** All start at once, on a machine that may be busy with other things. */
const readyTimeoutMs = 180_000;

/**
 * One service process, its lines to broker and database, and the supervisor that starts it again whenever it has ended, as a
 * cluster would.
 */
export class Replica {
  readonly member: Member;
  /** Ends that no fault of ours has caused, with the last that it wrote. */
  readonly ownEnds: string[] = [];
  private process: ServiceProcess | undefined;
  private isStopping = false;
  private wasKilled = false;
  private supervision: Promise<void> = Promise.resolve();

  private constructor(
    private readonly settings: ReplicaSettings,
    private readonly lines: { readonly broker: Proxy; readonly database: Proxy },
  ) {
    this.member = settings.member;
  }

  static async start(settings: ReplicaSettings): Promise<Replica> {
    const [broker, database] = await Promise.all([startProxy(settings.brokerUrl), startProxy(settings.databaseUrl)]);
    const replica = new Replica(settings, { broker, database });
    writeFileSync(replica.clockFile, '0');
    await replica.launch();
    replica.supervision = replica.supervise();
    return replica;
  }

  async waitUntilReady(): Promise<void> {
    await this.running.waitUntilReady();
  }

  /** Of a runner: its partitions, as it last said. */
  partitions(): readonly number[] {
    return (this.lastLogged('"Partitions were assigned"') as { partitions?: number[] }).partitions ?? [];
  }

  /** Of an executor: the name of this process of it, as it last said. */
  incarnation(): string {
    return (this.lastLogged('"incarnation":') as { incarnation?: string }).incarnation ?? '';
  }

  line(to: 'broker' | 'database'): Proxy {
    return this.lines[to];
  }

  /** kill -9; the supervisor starts it again. */
  async kill(): Promise<void> {
    this.wasKilled = true;
    await this.running.kill();
  }

  async pause(): Promise<void> {
    await this.running.pause();
  }

  /** Also where it was killed meanwhile: then there is nothing to resume. */
  resume(): void {
    this.process?.resume();
  }

  /** Lets its wall clock jump; 0 sets it right again. A process that has not begun yet would end by the signal. */
  async shiftClock(ms: number): Promise<void> {
    writeFileSync(this.clockFile, String(ms));
    await this.running.waitForOutput(/\n/);
    process.kill(this.running.pid, 'SIGUSR2');
  }

  /** Resolves when the supervisor has started it again. */
  async waitUntilRunning(): Promise<void> {
    await waitFor(() => this.running.isRunning(), { describe: `${this.member.label} to be started again` });
  }

  /** At once: nothing of it is needed any more. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.process?.kill();
    await this.supervision;
    await Promise.all([this.lines.broker.close(), this.lines.database.close()]);
  }

  private get running(): ServiceProcess {
    if (this.process === undefined) throw new Error(`Expected ${this.member.label} to be started`);
    return this.process;
  }

  private get clockFile(): string {
    return join(this.settings.directory, `${this.member.label}.clock`);
  }

  private get logFile(): string {
    return join(this.settings.directory, `${this.member.label}.log`);
  }

  /** The last line of its log that has this part; nothing where there is none. */
  private lastLogged(part: string): object {
    const lines = readFileSync(this.logFile, 'utf8').split('\n');
    const line = lines.findLast((each) => each.includes(part));
    return line === undefined ? {} : (JSON.parse(line) as object);
  }

  private async launch(): Promise<void> {
    const { member, brokerUrl, databaseUrl, modules, readyUrl, env, under } = this.settings;
    this.process = await startService({
      name: member.service,
      nodeFlags: modules.map((module) => `--require=${module}`),
      under,
      env: {
        ...env,
        RYAX_BROKER: through(this.lines.broker, brokerUrl),
        RYAX_DATASTORE: through(this.lines.database, databaseUrl),
        CHAOS_CLOCK: this.clockFile,
      },
      readyUrl,
      readyTimeoutMs,
      onOutput: (chunk) => appendFileSync(this.logFile, chunk),
    });
  }

  private async supervise(): Promise<void> {
    while (!this.isStopping) {
      const { process } = this;
      const end = await process?.ended;
      if (this.isStopping) return;
      if (!this.wasKilled) this.ownEnds.push(`${end}: ${process?.output.slice(-1_000)}`);
      this.wasKilled = false;
      await wait(restartDelayMs);
      if (!this.isStopping) await this.launch();
    }
  }
}
