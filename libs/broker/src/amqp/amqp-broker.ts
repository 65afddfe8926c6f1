import { queues, type Message } from '@ryax/contracts';
import { backoffMs, wait, type Backoff, type Log } from '@ryax/platform';
import type {
  BatchHandler,
  Broker,
  ConsumeOptions,
  DeadLetter,
  DeadLetterHandler,
  DeadLetterQueue,
  PublishOptions,
  QueueDeclaration,
  Subscription,
  Target,
} from '../broker';
import { encode } from '../cloud-events/encode';
import { BrokerClosedError, ConnectionLostError, TopologyError } from '../errors';
import { AmqpConsumer, type ConsumerHost } from './consumer';
import { DeadLetterConsumer } from './dead-letter-consumer';
import { Publisher } from './publisher';
import { Requests } from './requests';
import { Session, type AmqpSubscription } from './session';
import { Topology } from './topology';

export interface AmqpBrokerOptions {
  readonly url: string;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  readonly log: Log;
  /** How long a publish may wait for a connection and its confirm; default 10 s. */
  readonly publishTimeoutMs?: number;
}

const defaultPublishTimeoutMs = 10_000;
/** A broker that restarts is back in seconds, and a partition may stall for 20 s at most. */
const reconnectBackoff: Backoff = { initialMs: 100, maxMs: 2_000 };

/**
 * The broker over AMQP 0-9-1. One connection at a time: channels for topology, publishing (confirmed), requests and
 * answers, and one for each consumer. See docs/adr/0201-broker.md for what the queues are and why.
 */
export class AmqpBroker implements Broker, DeadLetterQueue {
  private readonly topology = new Topology();
  private readonly publisher: Publisher;
  private readonly requests: Requests;
  private readonly consumers = new Set<AmqpSubscription>();
  private readonly listeners: (() => void)[] = [];
  private readonly closing = new AbortController();
  private readonly log: Log;
  private readonly running: Promise<void>;
  private readonly consumerHost: ConsumerHost;
  private session: Session | undefined;
  private closed: Promise<void> | undefined;
  private waitingForSession: ((session: Session | undefined) => void)[] = [];

  /** Connects, and keeps connecting, in the background. */
  constructor(private readonly options: AmqpBrokerOptions) {
    this.log = options.log;
    this.requests = new Requests(options.log);
    this.publisher = new Publisher(options.publishTimeoutMs ?? defaultPublishTimeoutMs);
    this.consumerHost = {
      publisher: this.publisher,
      requests: this.requests,
      log: this.log,
      declareDead: () => this.declareDead(),
      brokerName: (queue) => this.topology.brokerName(queue),
      repair: (consumer, session) => void this.repair(consumer, session),
      forget: (consumer) => this.consumers.delete(consumer),
    };
    this.running = this.run();
  }

  get connected(): boolean {
    return this.session?.isAlive ?? false;
  }

  async declare(queues: readonly QueueDeclaration[]): Promise<void> {
    const added = this.topology.remember(queues);
    try {
      let isDeclared = false;
      while (!isDeclared) {
        const session = await this.currentSession();
        isDeclared = await session.hasDone(this.topology.declare(queues, session));
      }
    } catch (error) {
      for (const queue of added) this.topology.forget(queue);
      throw error;
    }
  }

  async forget(queue: string): Promise<void> {
    const brokerName = this.topology.brokerName(queue);
    const kind = this.topology.forget(queue);
    // An exclusive queue that cannot be deleted now goes with its connection.
    if (kind === 'own') await this.session?.probe((channel) => channel.deleteQueue(brokerName)).catch(() => undefined);
  }

  async publish(
    target: Target,
    messages: readonly [Message, ...Message[]],
    options: PublishOptions = {},
  ): Promise<void> {
    const [wire, ...more] = encode(messages, target, options);
    if (!wire) return;
    // Without an array of promises for what nearly always is one.
    if (more.length === 0) return this.publisher.publish(target, wire, options);
    await Promise.all([wire, ...more].map((each) => this.publisher.publish(target, each, options)));
  }

  async request(target: Target, message: Message, timeoutMs: number): Promise<Message> {
    return this.requests.request(target, message, timeoutMs);
  }

  async consume(queue: string, options: ConsumeOptions, handler: BatchHandler): Promise<Subscription> {
    if (!this.topology.has(queue)) throw new TopologyError(queue, { cause: new Error('it was not declared before') });
    return this.subscribe(new AmqpConsumer(queue, options, handler, this.consumerHost));
  }

  takeDeadLetters(handler: DeadLetterHandler): Promise<Subscription> {
    return this.subscribe(new DeadLetterConsumer(handler, this.consumerHost));
  }

  replay({ exchange, routingKey, contentType, headers, content }: DeadLetter): Promise<void> {
    // What was published to an exchange of somebody else's goes back there, too.
    const target = { exchange, routingKey } as Target;
    return this.publisher.publish(target, { contentType, headers, content }, { mandatory: true });
  }

  private async subscribe(consumer: AmqpSubscription): Promise<Subscription> {
    this.consumers.add(consumer);
    const { session } = this;
    try {
      const isAttached = await session?.hasDone(consumer.attach(session));
      // Where there is no session (any more), the next one attaches all consumers.
      if (!isAttached) await this.currentSession();
    } catch (error) {
      this.consumers.delete(consumer);
      throw error;
    }
    return consumer;
  }

  onConnected(listener: () => void): void {
    this.listeners.push(listener);
    if (this.session) listener();
  }

  async depth(queue: string): Promise<number | undefined> {
    try {
      const counted = await this.session?.probe((channel) => channel.checkQueue(this.topology.brokerName(queue)));
      return counted?.messageCount;
    } catch {
      return undefined;
    }
  }

  /** Stops taking, settles what is in hand, waits for the confirms of what was published, and closes. */
  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  private async shutDown(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.stop()));
    await this.publisher.close();
    this.requests.close();
    this.closing.abort(new BrokerClosedError());
    await this.session?.close();
    await this.running;
  }

  // ---- The life of the connection ---------------------------------------------------------------------------------

  /** Never rejects. */
  private async run(): Promise<void> {
    const { signal } = this.closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const session = await Session.open(this.options.url, this.options.name);
        try {
          await this.begin(session);
          attempt = 0;
          const cause = await session.lost;
          if (!signal.aborted) this.log.warn('The broker connection was lost', { error: cause });
        } finally {
          this.end();
          await session.close();
        }
      } catch (error) {
        if (!signal.aborted) this.log.warn('The broker could not be reached', { attempt, error });
      }
      await wait(backoffMs(attempt, reconnectBackoff), signal).catch(() => undefined);
    }
    this.wake(undefined);
  }

  /** Topology first: a consumer needs its queue, and a message that was waiting to be published may be for it. */
  private async begin(session: Session): Promise<void> {
    this.closing.signal.throwIfAborted();
    await this.topology.open(session);
    session.onBlocked((blocked) => {
      this.log.warn(blocked ? 'The broker blocked publishing' : 'The broker allowed publishing again');
      this.publisher.setBlocked(blocked);
    });
    this.publisher.attach(await session.confirmChannel());
    await this.requests.attach(await session.channel());
    for (const consumer of this.consumers) await consumer.attach(session);
    this.session = session;
    this.log.info('Connected to the broker', { consumers: this.consumers.size });
    this.wake(session);
    for (const listener of this.listeners) this.tell(listener);
  }

  /** A listener that fails is a defect of its own, and no reason to give up the connection. */
  private tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.log.error('A listener for connections failed', { error });
    }
  }

  private end(): void {
    this.session = undefined;
    this.publisher.detach();
    this.requests.detach();
    for (const consumer of this.consumers) consumer.detach();
  }

  /** Never rejects: what cannot be repaired over this session is rebuilt by the next. */
  private async repair(consumer: AmqpSubscription, session: Session): Promise<void> {
    try {
      await this.topology.repair(consumer.queue, session);
      await consumer.attach(session);
    } catch (error) {
      session.fail(new ConnectionLostError(`queue ${consumer.queue} was repaired`, { cause: error }));
    }
  }

  /** Rejects when there is no session: who parks tries again. */
  private async declareDead(): Promise<void> {
    if (!this.session) throw new ConnectionLostError(`queue ${queues.dead} was declared again`);
    this.log.warn('The queue of dead letters was deleted; it is declared again', { queue: queues.dead });
    await this.topology.repair(queues.dead, this.session);
  }

  /** The session, or the next one; as long as it takes, since a service is of no use before. */
  private async currentSession(): Promise<Session> {
    if (this.session?.isAlive) return this.session;
    this.closing.signal.throwIfAborted();
    const session = await new Promise<Session | undefined>((resolve) => this.waitingForSession.push(resolve));
    if (!session) throw new BrokerClosedError();
    return session;
  }

  private wake(session: Session | undefined): void {
    for (const resolve of this.waitingForSession.splice(0)) resolve(session);
  }
}
