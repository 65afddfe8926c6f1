import {
  exchanges,
  queues,
  routingKeys,
  type Answer,
  type Beat,
  type DataOf,
  type ExecutorPools,
  type LogChunk,
  type Message,
  type MessageType,
  type Report,
  type Settled,
  type Start,
  type Traits,
} from '@ryax/contracts';
import { Health, IdSource, Log, Metrics } from '@ryax/platform';
import { Executor } from '../executor';
import { defaultSettings, type ExecutorSettings } from '../settings';
import { FakeBroker, type FakeDelivery, type Published } from './fake-broker';
import { FakeLauncher } from './fake-launcher';
import { settle, VirtualTime } from './virtual-time';

const testSettings: ExecutorSettings = {
  ...defaultSettings,
  name: 'host-1',
  capacity: { slots: 2, cpu: 4, memory_bytes: 1000, gpu: 0 },
};

/** An executor in virtual time, and the runner that it speaks with, played by the test. */
export class ExecutorFixture {
  readonly time = new VirtualTime();
  readonly broker = new FakeBroker();
  readonly metrics = new Metrics();
  readonly health = new Health();
  readonly lines: string[] = [];
  readonly executor: Executor;
  /** Whether a runner answers the beats. */
  answersBeats = true;
  /** Which other executors it then says to live at the site. */
  livesWith: readonly string[] = [];
  private ids = 0;

  constructor(
    readonly settings: ExecutorSettings,
    readonly launcher = new FakeLauncher(),
  ) {
    this.executor = new Executor({
      broker: this.broker,
      launcher: this.launcher,
      settings,
      clock: this.time,
      alarm: this.time.alarm,
      ids: new IdSource(),
      log: new Log({ service: 'executor', level: 'warn', write: (line) => this.lines.push(line) }),
      metrics: this.metrics,
      health: this.health,
    });
    this.broker.onPublish = ({ messages }) => this.played(messages);
  }

  /** An executor that has its lease. */
  static async started(settings: Partial<ExecutorSettings> = {}, launcher?: FakeLauncher): Promise<ExecutorFixture> {
    const fixture = new ExecutorFixture({ ...testSettings, ...settings }, launcher);
    fixture.executor.start();
    await settle();
    return fixture;
  }

  get startQueue(): string {
    return queues.starts(this.executor.incarnation);
  }

  get ownQueue(): string {
    return `ryax.executor.${this.executor.incarnation}`;
  }

  /** Delivers starts as one batch. */
  async deliverStarts(...starts: readonly Start[]): Promise<readonly FakeDelivery[]> {
    const batch = await this.broker.deliver(
      this.startQueue,
      starts.map((start) => this.message('execution.start', start)),
    );
    await settle();
    return batch;
  }

  /** A start that is meant since then, by the database. */
  async deliverSince(since: number, start: Start): Promise<void> {
    await this.broker.deliver(this.startQueue, [this.message('execution.start', start, since)]);
    await settle();
  }

  /** A start that the broker had delivered before, to a connection that is gone. */
  async redeliver(start: Start): Promise<FakeDelivery | undefined> {
    const [delivery] = await this.broker.deliver(this.startQueue, [this.message('execution.start', start)], true);
    await settle();
    return delivery;
  }

  async say<T extends ToldToExecutor>(type: T, data: DataOf<T>): Promise<void> {
    await this.broker.deliver(this.ownQueue, [this.message(type, data)]);
    await settle();
  }

  /** Who has it, as asked at that time of the database? */
  async queryAt(askedAt: number, start: Start): Promise<void> {
    const message = this.message('execution.query', { attempts: [addressed(start)] }, askedAt);
    await this.broker.deliver(this.ownQueue, [message]);
    await settle();
  }

  query(...attempts: readonly Start[]): Promise<void> {
    return this.say('execution.query', { attempts: attempts.map(addressed) });
  }

  cancel(start: Start, force = false): Promise<void> {
    return this.say('execution.cancel', { attempts: [{ ...addressed(start), force }] });
  }

  settle(...attempts: readonly Start[]): Promise<void> {
    return this.say('execution.settled', { attempts: attempts.map(named) });
  }

  get published(): readonly Published[] {
    return this.broker.published;
  }

  /** All that was reported, in order. */
  get reports(): readonly Report[] {
    return this.sent('execution.report');
  }

  /** All that was answered to starts and queries, in order. */
  get answers(): readonly Answer[] {
    return this.sent('execution.answer');
  }

  /** What was reported and answered of an execution, in short. */
  reported(execution: string): readonly string[] {
    return this.sent('execution.report', 'execution.answer')
      .filter((said) => said.execution === execution)
      .map(inShort);
  }

  get chunks(): readonly LogChunk[] {
    return this.sent('execution.log');
  }

  get beats(): readonly Beat[] {
    return this.sent('executor.beat');
  }

  /** The types of what was published as one, at each beat. */
  get beatPacks(): readonly (readonly MessageType[])[] {
    const packs = this.published.filter(({ target }) => target.routingKey === routingKeys.beat);
    return packs.map(({ messages }) => messages.map(({ type }) => type));
  }

  /** What kind of executor it has said to be. */
  get traits(): readonly Traits[] {
    return this.sent('executor.traits');
  }

  /** What it has said its pool to be like. */
  get poolKinds(): readonly ExecutorPools[] {
    return this.sent('executor.pools');
  }

  packsTo(exchange: string): readonly Published[] {
    return this.published.filter(({ target }) => target.exchange === exchange);
  }

  get reportPacks(): readonly Published[] {
    return this.packsTo(exchanges.runner.name);
  }

  /** The phases of a shutdown, one after the other, in a minute's time. */
  async stop(): Promise<void> {
    const { executor } = this;
    const ended = executor.stopTaking().then(() => executor.finish().then(() => executor.close()));
    await this.time.advance(60_000);
    await ended;
  }

  private sent<T extends MessageType>(...types: readonly T[]): DataOf<T>[] {
    return this.published
      .flatMap(({ messages }) => messages.filter((message) => isOneOf(message, types)))
      .map(({ data }) => data);
  }

  private played(messages: readonly Message[]): void {
    for (const message of messages) {
      if (!this.answersBeats || !isType(message, 'executor.beat')) continue;
      const { sent, incarnation } = message.data;
      queueMicrotask(
        () => void this.say('executor.beat-answer', { sent, incarnations: [incarnation, ...this.livesWith] }),
      );
    }
  }

  private message<T extends MessageType>(type: T, data: DataOf<T>, since?: number): Message<DataOf<T>> {
    const time = since === undefined ? {} : { time: new Date(since).toISOString() };
    return { id: `m${this.ids++}`, type, source: '/runner', project: 'default', ...time, data };
  }
}

type ToldToExecutor =
  'execution.cancel' | 'execution.query' | 'execution.settled' | 'executor.beat-answer' | 'executor.prewarm';

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}

function isOneOf<T extends MessageType>(message: Message, types: readonly T[]): message is Message<DataOf<T>> {
  return types.some((type) => isType(message, type));
}

export function addressed(start: Start) {
  return { ...named(start), reply_partition: start.reply_partition };
}

export function named({ project, run_id, execution, attempt }: Start): Settled['attempts'][number] {
  return { project, run_id, execution, attempt };
}

/** `ended succeeded`, `ended failed rejected`, `returned`, `holding`, … */
export function inShort(said: Report | Answer): string {
  if ('answer' in said) return said.answer;
  if (said.report !== 'ended') return said.report;
  const { outcome } = said;
  return outcome.status === 'failed' ? `ended failed ${outcome.failure.kind}` : `ended ${outcome.status}`;
}

/** A start of a handler, unless told otherwise. */
export function startOf(execution: string, overrides: Partial<Start> = {}): Start {
  return {
    project: 'default',
    run_id: 'r1',
    workflow_id: 'w1',
    execution,
    attempt: 1,
    action: { type: 'handler', content_hash: `sha256:${'0'.repeat(64)}` },
    inputs: {},
    resources: {},
    timeout_ms: null,
    valid_for_ms: 5_000,
    reply_partition: 3,
    ...overrides,
  };
}

export function noopOf(execution: string, overrides: Partial<Start> = {}): Start {
  return startOf(execution, { action: { type: 'builtin', name: 'noop' }, inputs: { x: 1 }, ...overrides });
}

export function sleepOf(execution: string, seconds: number, overrides: Partial<Start> = {}): Start {
  return startOf(execution, { action: { type: 'builtin', name: 'sleep' }, inputs: { seconds }, ...overrides });
}

/** A command of the machine, as the process driver runs it. */
export function commandOf(execution: string, script: string, overrides: Partial<Start> = {}): Start {
  const command = ['sh', '-c', script];
  return startOf(execution, {
    action: { type: 'container', image: 'none', command, env: {}, outputs: [] },
    ...overrides,
  });
}
