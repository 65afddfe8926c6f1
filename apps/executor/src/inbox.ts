import type { Broker, Delivery, QueueDeclaration, Subscription } from '@ryax/broker';
import {
  exchanges,
  queues,
  routingKeys,
  type Attempt,
  type BeatAnswer,
  type DataOf,
  type Message,
  type MessageType,
  type Prewarm,
  type Settled,
} from '@ryax/contracts';
import { unlessAborted } from '@ryax/platform';
import type { Attempts } from './attempts';
import type { ExecutorSettings } from './settings';

/** Starts on their way to us beyond what the pool could start at once; they are taken, or given back, on arrival. */
const prefetchMargin = 16;
const ownPrefetch = 256;
const maxBatch = 500;

/** What is said that concerns more than the attempts that are held. */
export interface Said {
  readonly beatAnswered: (answer: BeatAnswer) => void;
  /** @param askedAt by the database; null if the runner does not say */
  readonly asked: (attempts: readonly Attempt[], askedAt: number | null) => void;
  readonly settled: (attempts: Settled['attempts']) => void;
  /** Undefined where nothing is made warm ahead: then nothing of that is heard. */
  readonly prewarm: ((wanted: Prewarm) => void) | undefined;
}

/**
 * What is said to this executor, on two queues of its own that go with its connection: starts; and all else, be it for all
 * executors of the site (cancel, query) or for us alone (answers to our beats, settled).
 *
 * Starts come to the one executor that a runner has chosen: however often the broker, or anybody, sends one again, it meets
 * what became of it. They are read as soon as they come, whether there is room or not.
 */
export class Inbox {
  private readonly startQueue: string;
  private readonly ownQueue: string;
  private subscribing: Promise<void> | undefined;
  private startSubscription: Subscription | undefined;
  private ownSubscription: Subscription | undefined;
  private isClosed = false;

  constructor(
    private readonly broker: Broker,
    private readonly attempts: Attempts,
    private readonly settings: ExecutorSettings,
    private readonly incarnation: string,
    private readonly said: Said,
  ) {
    this.startQueue = queues.starts(incarnation);
    this.ownQueue = `ryax.${routingKeys.executor(incarnation)}`;
  }

  async open(): Promise<void> {
    await this.broker.declare(this.declarations());
    this.ownSubscription = await this.broker.consume(this.ownQueue, { prefetch: ownPrefetch, maxBatch }, (batch) => {
      for (const delivery of batch) this.receiveOwn(delivery);
      return Promise.resolve();
    });
  }

  /** Only once we have a lease: a start that is read without one goes straight back. Idempotent. */
  async takeStarts(signal: AbortSignal): Promise<void> {
    if (this.subscribing !== undefined) return;
    this.subscribing = this.subscribe();
    try {
      await unlessAborted(this.subscribing, signal);
    } catch (error) {
      this.subscribing = undefined;
      throw error;
    }
  }

  private async subscribe(): Promise<void> {
    const prefetch = this.settings.capacity.slots + prefetchMargin;
    const subscription = await this.broker.consume(this.startQueue, { prefetch, maxBatch }, (batch) => {
      for (const delivery of batch) this.receiveStart(delivery);
      return Promise.resolve();
    });
    if (this.isClosed) await subscription.stop();
    else this.startSubscription = subscription;
  }

  /**
   * Until then starts are read, and given back while we leave: unread, each would cost its validity. A broker that is away is not waited
   * for.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.startSubscription?.stop();
    await this.ownSubscription?.stop();
    await this.broker.forget(this.startQueue);
    await this.broker.forget(this.ownQueue);
  }

  private declarations(): QueueDeclaration[] {
    const { site } = this.settings;
    const exchange = exchanges.executions.name;
    const own = [
      ...[routingKeys.cancel(site), routingKeys.query(site), routingKeys.executor(this.incarnation)],
      ...(this.said.prewarm === undefined ? [] : [routingKeys.prewarm(this.incarnation)]),
    ];
    return [
      { name: this.startQueue, kind: 'own', bindings: [{ exchange, routingKey: routingKeys.start(this.incarnation) }] },
      { name: this.ownQueue, kind: 'own', bindings: own.map((routingKey) => ({ exchange, routingKey })) },
    ];
  }

  /** Taken, then acknowledged: the other way round, a death in between would leave no trace of it. */
  private receiveStart(delivery: Delivery): void {
    const { message } = delivery;
    if (!isType(message, 'execution.start')) return park(delivery, 'a start');
    this.attempts.take({ start: message.data, since: timeOf(message) }, delivery.redelivered);
    delivery.ack();
  }

  private receiveOwn(delivery: Delivery): void {
    const { message } = delivery;
    if (isType(message, 'executor.beat-answer')) {
      this.said.beatAnswered(message.data);
    } else if (isType(message, 'execution.settled')) {
      this.said.settled(message.data.attempts);
    } else if (isType(message, 'execution.cancel')) {
      for (const { force, ...attempt } of message.data.attempts) this.attempts.cancel(attempt, force);
    } else if (isType(message, 'execution.query')) {
      this.said.asked(message.data.attempts, timeOf(message));
    } else if (isType(message, 'executor.prewarm')) {
      this.said.prewarm?.(message.data);
    } else {
      return park(delivery, 'a message for an executor');
    }
    delivery.ack();
  }
}

/** The broker has checked the data against its type's schema. */
function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}

/** Of the database, in milliseconds since the epoch: since when what it says is meant. */
function timeOf({ time }: Message): number | null {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? null : ms;
}

function park(delivery: Delivery, expected: string): void {
  delivery.park(`Expected ${expected}, found ${delivery.message.type}`);
}
