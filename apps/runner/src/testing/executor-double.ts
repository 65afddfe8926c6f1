import type { Broker, Delivery } from '@ryax/broker';
import {
  exchanges,
  queues,
  routingKeys,
  type Answer,
  type Attempt,
  type Cancel,
  type DataOf,
  type Message,
  type MessageType,
  type Outcome,
  type PoolKind,
  type Prewarm,
  type Report,
  type Settled,
  type Start,
} from '@ryax/contracts';

const consumption = { prefetch: 1_000, maxBatch: 1_000 };

export interface ExecutorKind {
  readonly site: string;
  /** Its work goes on when it dies, and it says so with each beat. */
  readonly keepsWork: boolean;
  readonly pool: string;
  /** It makes handlers warm before they are asked for. */
  readonly prewarms?: boolean;
  /** What its pool is like, where it says so with each beat. */
  readonly describes?: Partial<Omit<PoolKind, 'name'>>;
}

const usualKind: ExecutorKind = { site: 'local', keepsWork: false, pool: 'default' };
const usualPool: Omit<PoolKind, 'name'> = {
  architecture: 'amd64',
  scores: { time: 50, cost: 50, energy: 50 },
  time_limit_ms: null,
  node: { cpu: 4, memory_bytes: 1e9, gpu: 0 },
};

/** An executor as runners see one, over a real transport: beats, takes starts, and does with them what the spec says. */
export class ExecutorDouble {
  readonly starts: Start[] = [];
  readonly settled: Settled['attempts'][number][] = [];
  readonly cancels: Cancel['attempts'][number][] = [];
  readonly queried: string[] = [];
  /** What it was told to make warm. */
  readonly prewarms: Prewarm[] = [];
  /** Whether it ends by success what it takes, at once. */
  succeeds = false;
  /** Whether it says what it holds when it is asked. */
  answersQueries = true;
  /** A runner has heard it. */
  isHeard = false;
  /** What it says to have free of its slots; of what it has taken nothing is taken off by itself. */
  freeSlots: number;
  /** How many of its beats were answered, by whichever runner. */
  answeredBeats = 0;
  /** What it holds, with since when the start was meant that it came by. */
  private readonly holding = new Map<string, number>();
  /** The same of every start that it has taken. */
  private readonly sinceOf = new WeakMap<Start, number>();
  private beats: NodeJS.Timeout | undefined;
  private ids = 0;

  constructor(
    readonly broker: Broker,
    readonly incarnation: string,
    private readonly slots = 4,
    private readonly kind: ExecutorKind = usualKind,
  ) {
    this.freeSlots = slots;
  }

  async open(): Promise<void> {
    const exchange = exchanges.executions.name;
    const { site } = this.kind;
    const own = `ryax.executor.${this.incarnation}`;
    const keys = [
      ...[routingKeys.executor(this.incarnation), routingKeys.cancel(site), routingKeys.query(site)],
      ...(this.kind.prewarms === true ? [routingKeys.prewarm(this.incarnation)] : []),
    ];
    await this.broker.declare([
      {
        name: queues.starts(this.incarnation),
        kind: 'own',
        bindings: [{ exchange, routingKey: routingKeys.start(this.incarnation) }],
      },
      { name: own, kind: 'own', bindings: keys.map((routingKey) => ({ exchange, routingKey })) },
    ]);
    await this.hear(own, (message) => this.told(message));
    await this.hear(queues.starts(this.incarnation), (message) => this.taken(message));
    this.beats = setInterval(() => void this.beat(), 100);
    await this.beat();
  }

  async close(): Promise<void> {
    clearInterval(this.beats);
    await this.broker.close();
  }

  startsOf(execution: string): readonly Start[] {
    return this.starts.filter((start) => start.execution === execution);
  }

  /** @param partition to report to, where it is not the run's own */
  async end(
    start: Start,
    outcome: Outcome = { status: 'succeeded', outputs: {} },
    partition = start.reply_partition,
    durationMs = 1,
  ): Promise<void> {
    this.holding.delete(nameOf(start));
    await this.report(start, { report: 'ended', outcome, duration_ms: durationMs }, partition);
  }

  /** It has found this running as its predecessor has left it, and says so unasked. */
  async adopts(start: Start, predecessor: ExecutorDouble): Promise<void> {
    const since = predecessor.sinceOf.get(start) ?? null;
    if (since !== null) this.holding.set(nameOf(start), since);
    await this.answer(start, { answer: 'holding', since, asked_at: null });
  }

  /** Gives the start back; the same said again is a late copy. */
  async returns(start: Start): Promise<void> {
    this.holding.delete(nameOf(start));
    await this.answer(start, { answer: 'returned', since: this.sinceOf.get(start) ?? null, reason: 'no room' });
  }

  async report(start: Start, body: object, partition = start.reply_partition): Promise<void> {
    const data = { ...body, ...this.about(start) } as Report;
    await this.tell(partition, this.message('execution.report', data, start.project));
  }

  private async answer(to: Attempt, body: object): Promise<void> {
    const data = { ...body, ...this.about(to) } as Answer;
    await this.tell(to.reply_partition, this.message('execution.answer', data, to.project));
  }

  private about({ run_id, execution, attempt }: Attempt) {
    return { run_id, execution, attempt, executor: 'double', incarnation: this.incarnation };
  }

  private async tell(partition: number, message: Message): Promise<void> {
    const target = { exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(partition) };
    await this.broker.publish(target, [message]);
  }

  private taken(message: Message): void {
    if (!isType(message, 'execution.start')) return;
    const since = timeOf(message);
    this.starts.push(message.data);
    this.sinceOf.set(message.data, since);
    this.holding.set(nameOf(message.data), since);
    if (this.succeeds) void this.end(message.data);
  }

  private told(message: Message): void {
    if (isType(message, 'executor.beat-answer')) {
      this.isHeard = true;
      this.answeredBeats++;
    }
    if (isType(message, 'execution.settled')) this.settled.push(...message.data.attempts);
    if (isType(message, 'executor.prewarm')) this.prewarms.push(message.data);
    if (isType(message, 'execution.cancel')) this.cancels.push(...message.data.attempts);
    if (!isType(message, 'execution.query')) return;
    for (const asked of message.data.attempts) {
      this.queried.push(asked.execution);
      if (!this.answersQueries) continue;
      const since = this.holding.get(nameOf(asked));
      const body = since === undefined ? { answer: 'unknown' } : { answer: 'holding', since };
      void this.answer(asked, { ...body, asked_at: timeOf(message) });
    }
  }

  private async beat(): Promise<void> {
    const { site, keepsWork, pool, describes } = this.kind;
    const amounts = { slots: this.slots, cpu: 4, memory_bytes: 1e9, gpu: 0 };
    const pools = [{ name: pool, ...amounts, free: { ...amounts, slots: this.freeSlots } }];
    const data = {
      executor: 'double',
      incarnation: this.incarnation,
      site,
      pools,
      sent: performance.now(),
      schema_max: 1,
    };
    const target = { exchange: exchanges.executions.name, routingKey: routingKeys.beat };
    const beat = this.message('executor.beat', data);
    const traits = { executor: 'double', incarnation: this.incarnation, site, keeps_work: keepsWork };
    const kind = { name: pool, ...usualPool, ...describes };
    const kinds = { executor: 'double', incarnation: this.incarnation, site, pools: [kind] };
    const before = [
      ...(keepsWork ? [this.message('executor.traits', traits)] : []),
      ...(describes === undefined ? [] : [this.message('executor.pools', kinds)]),
    ];
    const [first, ...rest] = [...before, beat];
    await this.broker.publish(target, first === undefined ? [beat] : [first, ...rest], { persistent: false });
  }

  private async hear(queue: string, note: (message: Message) => void): Promise<void> {
    await this.broker.consume(queue, consumption, (batch: readonly Delivery[]) => {
      for (const delivery of batch) {
        note(delivery.message);
        delivery.ack();
      }
      return Promise.resolve();
    });
  }

  private message<T extends MessageType>(type: T, data: DataOf<T>, project = 'default'): Message<DataOf<T>> {
    return { id: `${this.incarnation}.${this.ids++}`, type, source: '/executors/double', project, data };
  }
}

function timeOf({ time }: Message): number {
  return Date.parse(time ?? '');
}

function nameOf({ run_id, execution, attempt }: Pick<Start, 'run_id' | 'execution' | 'attempt'>): string {
  return `${run_id}/${execution}/${attempt}`;
}

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}
