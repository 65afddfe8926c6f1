import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryBroker, InMemoryServer, openBroker, type Broker } from '@ryax/broker';
import {
  exchanges,
  limits,
  partitionOf,
  queues,
  routingKeys,
  streamId,
  type CommandReply,
  type DataOf,
  type JsonObject,
  type Message,
  type MessageType,
} from '@ryax/contracts';
import { openEventLog, type OpenEventLog } from '@ryax/event-log';
import { LocalFileStore, putJson } from '@ryax/filestore';
import { Clock, Health, IdSource, Log, Metrics } from '@ryax/platform';
import { Runner } from '../runner';
import { leastExecutorPatienceMs, type RunnerOptions } from '../runner.config';
import { ExecutorDouble, type ExecutorKind } from './executor-double';
import { ExecutorLink } from './executor-link';
import { faulty, noFaults, sometimesDeaf, withoutMissing, type Faults } from './faults';
import { RunsInLog } from './runs-in-log';

const log = new Log({ service: 'test', write: () => undefined });
const clock = new Clock();

/** Less than a statement may take. */
const endsWithinMs = 9_000;

const options: RunnerOptions = {
  partitions: 4,
  executorPatienceMs: leastExecutorPatienceMs,
  placementPatienceMs: 60_000,
  runnerPatienceMs: 2_500,
  startValidityMs: 500,
  batchMessages: 500,
  cacheBytes: 64 * 1024 * 1024,
  inlineValueBytes: limits.inlineValueBytes,
};

export interface RunnerUnderTest {
  readonly runner: Runner;
  readonly faults: Faults;
  /** From now on it reaches nothing, and nobody is told: as when it is stopped, or its network is gone. */
  readonly isolate: () => void;
  /** The same, and its connections end: as when its process is killed. */
  readonly kill: () => Promise<void>;
  /** Only the connection ends on which it holds its lock. */
  readonly loseLock: () => Promise<void>;
  /** Its next connection finds another database, as after a fail-over. */
  readonly findOtherDatabase: () => Promise<void>;
  /** How often it has tried to beat. */
  readonly beats: () => number;
  /** How many it owns, as of its last beat. */
  readonly partitions: () => Promise<number>;
}

interface Member {
  readonly runner: Runner;
  readonly broker: Broker;
  readonly eventLog: OpenEventLog;
}

/** Runners over a real database and an in-memory broker, or a real one, with executors that do as they are told. */
export class Engine {
  readonly server = new InMemoryServer({ strict: true });
  /** The log, past all runners. */
  readonly runs: RunsInLog;
  private readonly members: Member[] = [];
  private readonly executors: ExecutorDouble[] = [];
  private readonly asking: Broker;
  /** Resolves when this closes: until then a spec may hold up what is then waited for. */
  private readonly closing: Promise<void>;
  private beginClosing: () => void = () => undefined;
  private ids = 0;

  private constructor(
    private readonly url: string,
    private readonly directory: string,
    readonly files: LocalFileStore,
    readonly eventLog: OpenEventLog,
    private readonly brokerUrl: string,
  ) {
    this.asking = this.connect('asking');
    this.closing = new Promise((resolve) => (this.beginClosing = resolve));
    this.runs = new RunsInLog(eventLog, (runId) => this.partitionOf(runId));
  }

  /** @param brokerUrl of a real one; what cuts its connections is not to be had then */
  static async open(url: string, brokerUrl = 'memory://'): Promise<Engine> {
    const directory = await mkdtemp(join(tmpdir(), 'ryax-runner-'));
    const eventLog = await openEventLog({ url, applicationName: 'test' }, log, clock);
    return new Engine(url, directory, await LocalFileStore.open(directory), eventLog, brokerUrl);
  }

  /** @param wrong from its start on */
  async runner(changed: Partial<RunnerOptions> = {}, wrong: Partial<Faults> = {}): Promise<RunnerUnderTest> {
    const { listsAfter = Promise.resolve(), ...others } = wrong;
    const faults: Faults = { ...noFaults(), ...others, listsAfter: Promise.race([listsAfter, this.closing]) };
    const name = `member-${this.members.length}`;
    const broker = this.connect(name);
    const opened = await openEventLog({ url: this.url, applicationName: name }, log, clock);
    const metrics = new Metrics();
    const runner = new Runner({
      broker: sometimesDeaf(broker, faults, options.partitions),
      eventLog: {
        ...opened,
        log: faulty(opened.log, faults),
        members: faulty(opened.members, faults),
        locks: faulty(opened.locks, faults),
        clock: { now: () => opened.clock.now() + faults.aheadMs },
      },
      files: withoutMissing(this.files, faults),
      options: { ...options, ...changed },
      clock,
      ids: new NamedFirst(name),
      log,
      metrics,
      health: new Health(),
      random: () => 0,
    });
    this.members.push({ runner, broker, eventLog: opened });
    await runner.start();
    const isolate = () => {
      faults.isAway = true;
      inMemory(broker).cutConnection();
    };
    // Answers when they have ended, and with them their locks.
    const endConnections = (which: string) =>
      this.eventLog.database.query(
        {
          name: '',
          text: `SELECT pg_terminate_backend(pid, ${endsWithinMs}) FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name = $1 ${which}`,
        },
        [name],
      );
    const kill = async () => {
      isolate();
      await endConnections('');
    };
    const loseLock = async () => {
      await endConnections(`AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`);
    };
    const findOtherDatabase = () => {
      const query = () => Promise.resolve({ rows: [{ system_identifier: name, timeline: 2 }] });
      return opened.identity.check({ query } as never);
    };
    const partitions = async () => {
      const gauge = await metrics.registry.getSingleMetric('ryax_partitions_owned')?.get();
      return gauge?.values[0]?.value ?? 0;
    };
    return { runner, faults, isolate, kill, loseLock, findOtherDatabase, beats: () => faults.beats, partitions };
  }

  async executor(
    incarnation = 'e1',
    slots = 4,
    link = new ExecutorLink(),
    kind: Partial<ExecutorKind> = {},
  ): Promise<ExecutorDouble> {
    const broker = link.over(this.connect(incarnation), incarnation);
    const executor = new ExecutorDouble(broker, incarnation, slots, {
      ...{ site: 'local', keepsWork: false, pool: 'default' },
      ...kind,
    });
    this.executors.push(executor);
    await executor.open();
    return executor;
  }

  /** Stores a definition of these entries; answers its hash. @param pinned the actions that they name */
  async define(
    actions: readonly JsonObject[],
    trigger: readonly JsonObject[] = [],
    pinned: JsonObject = {},
  ): Promise<string> {
    const spec = { id: 'flow', trigger: { kind: 'manual', outputs: [...trigger] }, actions: [...actions] };
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec };
    return (await putJson(this.files, { definition, actions: pinned })).hash;
  }

  /** @param workflowHead where the sender has seen the workflow's stream */
  start(runId: string, definitionHash: string, inputs: JsonObject = {}, workflowHead?: number): Promise<CommandReply> {
    const command = {
      run_id: runId,
      workflow_id: 'flow',
      workflow_version: 1,
      definition_hash: definitionHash,
      inputs,
      labels: {},
      request_hash: runId,
      key: runId,
      started_by: null,
    };
    if (workflowHead === undefined) return this.ask(runId, 'run.start', command);
    return this.ask(runId, 'run.start-current', { ...command, workflow_head: workflowHead });
  }

  /** What waits to be taken by this executor is gone. */
  purgeStarts(incarnation: string): void {
    for (const queue of this.server.queueNames(queues.starts(incarnation))) this.server.purge(queue);
  }

  deploy(definitionHash: string): Promise<CommandReply> {
    const command = { workflow_id: 'flow', definition_hash: definitionHash, human_name: 'Flow', deployed_by: null };
    return this.askWorkflow('workflow.deploy', command);
  }

  undeploy(): Promise<CommandReply> {
    return this.askWorkflow('workflow.undeploy', { workflow_id: 'flow', undeployed_by: null });
  }

  cancel(runId: string, force = false): Promise<CommandReply> {
    return this.ask(runId, 'run.cancel', { run_id: runId, reason: 'enough', force, requested_by: null });
  }

  partitionOf(runId: string): number {
    return partitionOf(streamId('run', 'default', runId), options.partitions);
  }

  /** The types of a run's events, as they stand in the log. */
  async history(runId: string): Promise<string[]> {
    return (await this.runs.events(runId)).map(({ type }) => type);
  }

  async close(): Promise<void> {
    this.beginClosing();
    for (const executor of this.executors) await executor.close();
    await this.asking.close();
    for (const { runner, broker, eventLog } of this.members) {
      if (broker instanceof InMemoryBroker) broker.restoreConnection();
      await runner.stopTaking();
      await runner.close().catch(() => undefined);
      await broker.close();
      await eventLog.close();
    }
    await this.eventLog.close();
    // A start under preparation may still be writing a value.
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  private connect(name: string): Broker {
    return openBroker({ url: this.brokerUrl, name, log, server: this.server });
  }

  private ask<T extends MessageType>(runId: string, type: T, data: DataOf<T>): Promise<CommandReply> {
    return this.askAt(this.partitionOf(runId), type, data);
  }

  private askWorkflow<T extends MessageType>(type: T, data: DataOf<T>): Promise<CommandReply> {
    return this.askAt(partitionOf(streamId('workflow', 'default', 'flow'), options.partitions), type, data);
  }

  private async askAt<T extends MessageType>(partition: number, type: T, data: DataOf<T>): Promise<CommandReply> {
    const target = { exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(partition) };
    const message: Message = { id: `ask.${this.ids++}`, type, source: '/test', project: 'default', data };
    return (await this.asking.request(target, message, 15_000)).data as CommandReply;
  }
}

/** The first id that a runner asks for is its incarnation: who owns which partition is the same in each test. */
class NamedFirst extends IdSource {
  private isFirst = true;

  constructor(private readonly first: string) {
    super();
  }

  override newId(): string {
    if (!this.isFirst) return super.newId();
    this.isFirst = false;
    return this.first;
  }
}

function inMemory(broker: Broker): InMemoryBroker {
  if (broker instanceof InMemoryBroker) return broker;
  throw new Error('Expected a broker in memory, whose connections can be cut');
}
