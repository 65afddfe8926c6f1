import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import type { Removable } from './options';
import { Replica } from './replica';
import { roster, type Label, type Member } from './roster';
import type { Scripts } from './scripts';
import { BrokerServer, DatabaseServer } from './servers';
import type { RunnerDeath } from './takeovers';

/** Of the runner's inbox. */
export const partitions = 16;
/** Executions at once in each executor: on two cores, so many processes of Node that none starves. */
const slots = 4;
const mostOpenRuns = 400;
/** What each executor's disk has, so that it can be filled. */
const diskMiB = 64;

/** The engine as processes, on a broker and a database of its own, in a folder of its own. */
export class Cluster {
  private readonly stops: (() => Promise<void> | void)[] = [];
  private readonly replicas = new Map<Label, Replica>();
  private token = '';
  private httpPort = 0;
  /** Why executors have no disk of their own that could be filled; undefined where they have. */
  noDisk: string | undefined;
  /** Runners that were killed. */
  readonly deaths: RunnerDeath[] = [];
  broker!: BrokerServer;
  database!: DatabaseServer;

  private constructor(
    private readonly scripts: Scripts,
    readonly directory: string,
    private readonly without: Removable | undefined,
  ) {}

  /** What has been started is stopped when anything of it fails. */
  static async start(scripts: Scripts, without?: Removable): Promise<Cluster> {
    // Not below /tmp: actions have one of their own, in which they would not find the journal.
    const cluster = new Cluster(scripts, mkdtempSync('/var/tmp/ryax-chaos-'), without);
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get journalFile(): string {
    return join(this.directory, 'journal');
  }

  get bearer(): string {
    return this.token;
  }

  replica(label: Label): Replica {
    const replica = this.replicas.get(label);
    if (replica === undefined) throw new Error(`Expected a replica ${label}, found none`);
    return replica;
  }

  get all(): readonly Replica[] {
    return [...this.replicas.values()];
  }

  /** The disk of an executor, where it has one of its own. */
  diskOf(label: Label): string {
    return join(this.dataOf(label), 'executor');
  }

  async stop({ keepFolder = false } = {}): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        process.stderr.write(`Could not be stopped: ${String(error)}\n`);
      }
    }
    if (!keepFolder) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  private async startAll(): Promise<void> {
    mkdirSync(join(this.directory, 'logs'));
    mkdirSync(join(this.directory, 'files'));
    // One after the other: what fails must not leave another that is still starting.
    this.broker = await this.held(BrokerServer.start(this.scripts, this.directory));
    this.database = await this.held(DatabaseServer.start(this.directory));
    const secret = randomBytes(32).toString('hex');
    this.token = await tokenOf(secret);
    const ports = await this.scripts.freePorts(roster.length);
    await Promise.all(
      roster.map(async (member, index) => {
        const port = ports[index] ?? 0;
        if (member.service === 'studio-intake') this.httpPort = port;
        this.replicas.set(member.label, await this.held(this.startReplica(member, port, secret)));
      }),
    );
    await Promise.all(this.all.map((replica) => replica.waitUntilReady()));
  }

  private startReplica(member: Member, port: number, secret: string): Promise<Replica> {
    const data = this.dataOf(member.label);
    mkdirSync(data);
    symlinkSync(join(this.directory, 'files'), join(data, 'files'));
    if (member.service === 'executor') this.mountDisk(member.label);
    const port_ = member.service === 'studio-intake' ? 'RYAX_HTTP_PORT' : 'RYAX_HEALTH_PORT';
    return Replica.start({
      member,
      brokerUrl: this.broker.url,
      databaseUrl: this.database.url,
      directory: join(this.directory, 'logs'),
      modules: this.modulesOf(member),
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      under: this.scripts.diesWithUs(),
      env: {
        [port_]: String(port),
        RYAX_DATA_DIR: data,
        RYAX_JWT_SECRET_KEY: secret,
        RYAX_ENCRYPTION_KEY: 'a key for this campaign only',
        RYAX_PARTITIONS: String(partitions),
        RYAX_MAX_CONCURRENT_TASKS: String(slots),
        // A slow machine accepts less, instead of more than it can do before time limits pass.
        RYAX_LIMIT_RUNS_IN_FLIGHT_PER_PROJECT: String(mostOpenRuns),
        // What still runs when the campaign is over sleeps: nothing is to be waited for.
        RYAX_FINISH_SECONDS: '0',
      },
    });
  }

  /** What is loaded into a service before its own code. */
  private modulesOf({ service }: Member): readonly string[] {
    const here = (...path: readonly string[]) => this.scripts.inRoot('test', 'chaos', ...path);
    const isBroken = service === 'runner' && this.without !== undefined;
    return [here('shifted-clock.cjs'), ...(isBroken ? [here('sabotage', `${this.without}.cjs`)] : [])];
  }

  private dataOf(label: Label): string {
    return join(this.directory, label);
  }

  /** A small file system in memory. Only root may mount one. */
  private mountDisk(label: Label): void {
    const disk = this.diskOf(label);
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m`, 'ryax-chaos', disk]);
    if (mounted.status === 0) this.stops.push(() => void spawnSync('umount', ['--lazy', disk]));
    else this.noDisk = String(mounted.error?.message ?? mounted.stderr).trim();
  }

  private async held<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    this.stops.push(() => started.stop());
    return started;
  }
}

function tokenOf(secret: string): Promise<string> {
  const scope = 'workflow:read workflow:deploy workflow:execute action:publish engine:operate';
  const key = new TextEncoder().encode(secret);
  return new SignJWT({ scope }).setProtectedHeader({ alg: 'HS256' }).setSubject('chaos').sign(key);
}
