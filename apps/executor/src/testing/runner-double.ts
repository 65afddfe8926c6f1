import type { Broker } from '@ryax/broker';
import {
  exchanges,
  queues,
  routingKeys,
  type Answer,
  type DataOf,
  type LogChunk,
  type Message,
  type MessageType,
  type Report,
  type Settled,
  type Start,
} from '@ryax/contracts';
import { waitFor } from '@ryax/testing';

const site = 'local';
const consumption = { prefetch: 1_000, maxBatch: 1_000 };

/** A runner and a state store as an executor sees them, over a real transport: answers beats, notes what it is told. */
export class RunnerDouble {
  readonly reports: (Report | Answer)[] = [];
  readonly chunks: LogChunk[] = [];
  /** Of the executors that have beaten, in the order of their first beat. */
  readonly incarnations: string[] = [];
  /** Whether what has ended is settled, as by a runner that works. */
  settles = true;
  private lastBeatMs = -Infinity;
  private ids = 0;

  constructor(
    readonly broker: Broker,
    private readonly partition = 3,
  ) {}

  async open(): Promise<void> {
    const { broker, partition } = this;
    const inbox = queues.runnerPartition(4, partition);
    await broker.declare([
      {
        name: inbox,
        kind: 'partition',
        bindings: [{ exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(partition) }],
      },
      {
        name: 'beats',
        kind: 'own',
        bindings: [{ exchange: exchanges.executions.name, routingKey: routingKeys.beat }],
      },
      { name: queues.logs, kind: 'work', bindings: [{ exchange: exchanges.logs.name, routingKey: 'log.#' }] },
    ]);
    await this.hear(inbox, (message) => {
      if (isType(message, 'execution.report')) this.heardOf(message.data);
      else if (isType(message, 'execution.answer')) this.reports.push(message.data);
    });
    await this.hear('beats', (message) => isType(message, 'executor.beat') && this.answer(message.data));
    await this.hear(queues.logs, (message) => isType(message, 'execution.log') && this.chunks.push(message.data));
  }

  /** To the executor that has come last, once one is there. */
  async start(...starts: readonly [Start, ...Start[]]): Promise<void> {
    const [first, ...rest] = starts.map((start) => this.message('execution.start', start));
    const executor = await waitFor(() => this.incarnations.at(-1), { describe: 'an executor to beat' });
    if (first === undefined) return;
    const target = { exchange: exchanges.executions.name, routingKey: routingKeys.start(executor) };
    return this.broker.publish(target, [first, ...rest], { persistent: false });
  }

  query(start: Start): Promise<void> {
    const { project, run_id, execution, attempt, reply_partition } = start;
    return this.say(routingKeys.query(site), 'execution.query', {
      attempts: [{ project, run_id, execution, attempt, reply_partition }],
    });
  }

  cancel(start: Start, force: boolean): Promise<void> {
    const { project, run_id, execution, attempt, reply_partition } = start;
    return this.say(routingKeys.cancel(site), 'execution.cancel', {
      attempts: [{ project, run_id, execution, attempt, reply_partition, force }],
    });
  }

  /** Since the newest beat of any executor. */
  get silentMs(): number {
    return performance.now() - this.lastBeatMs;
  }

  reported(execution: string): readonly (Report | Answer)[] {
    return this.reports.filter((report) => report.execution === execution);
  }

  ends(execution: string): readonly Extract<Report, { report: 'ended' }>[] {
    return this.reported(execution).flatMap((said) => ('report' in said && said.report === 'ended' ? [said] : []));
  }

  log(execution: string): string {
    const chunks = this.chunks.filter((chunk) => chunk.execution === execution);
    return chunks.map(({ text }) => text).join('');
  }

  private async hear(queue: string, note: (message: Message) => unknown): Promise<void> {
    await this.broker.consume(queue, consumption, (batch) => {
      for (const delivery of batch) {
        note(delivery.message);
        delivery.ack();
      }
      return Promise.resolve();
    });
  }

  private heardOf(report: Report): void {
    this.reports.push(report);
    if (report.report !== 'ended' || !this.settles) return;
    const { run_id, execution, attempt, incarnation } = report;
    const settled: Settled = { attempts: [{ project: 'default', run_id, execution, attempt }] };
    void this.say(routingKeys.executor(incarnation), 'execution.settled', settled);
  }

  private answer({ sent, incarnation }: DataOf<'executor.beat'>): void {
    if (!this.incarnations.includes(incarnation)) this.incarnations.push(incarnation);
    this.lastBeatMs = performance.now();
    void this.say(routingKeys.executor(incarnation), 'executor.beat-answer', { sent, incarnations: [incarnation] });
  }

  private say<T extends MessageType>(routingKey: string, type: T, data: DataOf<T>): Promise<void> {
    const target = { exchange: exchanges.executions.name, routingKey };
    return this.broker.publish(target, [this.message(type, data)], { persistent: false });
  }

  private message<T extends MessageType>(type: T, data: DataOf<T>): Message<DataOf<T>> {
    return { id: `runner.${this.ids++}`, type, source: '/runners/test', project: 'default', data };
  }
}

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}
