import type { Message } from '@ryax/contracts';
import { TransientMap, type Log } from '@ryax/platform';
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
import { checkMessage, decode, type Item } from '../cloud-events/decode';
import { encode } from '../cloud-events/encode';
import {
  BrokerClosedError,
  ConnectionLostError,
  MalformedReplyError,
  PublishError,
  RequestTimeoutError,
  TopologyError,
  UnroutableError,
} from '../errors';
import { deepFreeze } from './deep-freeze';
import type { InMemoryServer, MemoryConnection } from './in-memory-server';
import { MemoryConsumer, type MemoryConsumerHost } from './memory-consumer';
import { MemoryDeadLetterConsumer } from './memory-dead-letter-consumer';
import type { MemorySubscription, Published } from './memory-queue';

export interface InMemoryBrokerOptions {
  /** Shared by the brokers that are to reach each other. */
  readonly server: InMemoryServer;
  readonly log: Log;
  /** How long a publish may wait for a connection; default 10 s. */
  readonly publishTimeoutMs?: number;
}

interface PendingRequest {
  readonly target: Target;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: unknown) => void;
}

const defaultPublishTimeoutMs = 10_000;

/**
 * The broker for one process: the same promises without a server. Messages are passed by reference, neither copied nor
 * measured, as they are read-only by agreement; a strict server (see its options) shows in tests who breaks it.
 */
export class InMemoryBroker implements Broker, DeadLetterQueue, MemoryConnection {
  private readonly declared = new Map<string, QueueDeclaration>();
  private readonly consumers = new Set<MemorySubscription>();
  private readonly pending = new TransientMap<string, PendingRequest>();
  private readonly listeners: (() => void)[] = [];
  private readonly host: MemoryConsumerHost;
  private waiting: (() => void)[] = [];
  private state: 'connected' | 'disconnected' | 'closed' = 'disconnected';
  private id = '';
  private requestCount = 0;

  constructor(private readonly options: InMemoryBrokerOptions) {
    const { server, log } = options;
    this.host = {
      server,
      log,
      brokerName: (queue) => this.brokerName(queue),
      repair: () => setImmediate(() => this.repair()),
      forget: (consumer) => this.consumers.delete(consumer),
    };
    this.connect();
  }

  get connected(): boolean {
    return this.state === 'connected';
  }

  async declare(queues: readonly QueueDeclaration[]): Promise<void> {
    await this.whenConnected();
    for (const queue of queues) {
      this.declareNow(queue);
      this.declared.set(queue.name, queue);
    }
  }

  forget(queue: string): Promise<void> {
    const declaration = this.declared.get(queue);
    if (declaration?.kind === 'own') this.server.deleteQueue(this.brokerName(queue));
    this.declared.delete(queue);
    return Promise.resolve();
  }

  async publish(
    target: Target,
    messages: readonly [Message, ...Message[]],
    options: PublishOptions = {},
  ): Promise<void> {
    const { persistent = true, mandatory = false } = options;
    // As the border between processes does, it refuses what is too large.
    if (this.server.options.strict) encode(messages, target, options);
    const published: Published = { ...target, items: this.itemsOf(messages), persistent, tries: 0 };
    if (this.state !== 'connected') return this.publishLater(published, target, mandatory);
    return this.publishNow(published, target, mandatory);
  }

  request(target: Target, message: Message, timeoutMs: number): Promise<Message> {
    const id = String(this.requestCount++);
    return new Promise<Message>((resolve, reject) => {
      const onTimeout = () => this.settle(id)?.reject(new RequestTimeoutError(target, timeoutMs));
      this.pending.set(id, { target, timer: setTimeout(onTimeout, timeoutMs), resolve, reject });
      void this.ask(id, target, message, performance.now() + timeoutMs);
    });
  }

  async consume(queue: string, options: ConsumeOptions, handler: BatchHandler): Promise<Subscription> {
    if (!this.declared.has(queue)) throw new TopologyError(queue, { cause: new Error('it was not declared before') });
    return this.subscribe(new MemoryConsumer(queue, options, handler, this.host));
  }

  takeDeadLetters(handler: DeadLetterHandler): Promise<Subscription> {
    return this.subscribe(new MemoryDeadLetterConsumer(handler, this.host));
  }

  async replay({ exchange, routingKey, contentType, headers, content }: DeadLetter): Promise<void> {
    const target = { exchange, routingKey } as Target;
    await this.whenConnected();
    const items = decode({ contentType, headers, content });
    await this.publishNow({ ...target, items, persistent: true, tries: 0 }, target, true);
  }

  private async subscribe(consumer: MemorySubscription): Promise<Subscription> {
    await this.whenConnected();
    consumer.attach();
    this.consumers.add(consumer);
    return consumer;
  }

  onConnected(listener: () => void): void {
    this.listeners.push(listener);
    if (this.connected) listener();
  }

  depth(queue: string): Promise<number | undefined> {
    return Promise.resolve(this.connected ? this.server.depth(this.brokerName(queue)) : undefined);
  }

  async close(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.stop()));
    if (this.connected) this.disconnect(new BrokerClosedError());
    this.state = 'closed';
    for (const resume of this.waiting.splice(0)) resume();
  }

  /** Fault injection: the connection is cut, and made again in the next turn of the event loop. */
  dropConnection(): void {
    this.cutConnection();
    setImmediate(() => this.restoreConnection());
  }

  /** Fault injection: the line is down, or the process behind it gone, until it is restored. */
  cutConnection(): void {
    if (this.connected) this.disconnect(new ConnectionLostError('an answer came'));
  }

  restoreConnection(): void {
    if (this.state === 'disconnected') this.connect();
  }

  answered(correlationId: string, { items: [reply] }: Published): void {
    const pending = this.settle(correlationId);
    if (reply?.type === 'message') pending?.resolve(reply.message);
    else pending?.reject(new MalformedReplyError(pending.target, reply?.reason ?? 'it was empty'));
  }

  // ---- The life of the connection ---------------------------------------------------------------------------------

  private connect(): void {
    this.id = this.server.connect(this);
    this.state = 'connected';
    this.repair();
    for (const resume of this.waiting.splice(0)) resume();
    for (const listener of this.listeners) listener();
  }

  private disconnect(cause: Error): void {
    this.state = 'disconnected';
    for (const consumer of this.consumers) consumer.detach();
    for (const { name, kind } of this.declared.values()) {
      if (kind === 'own') this.server.deleteQueue(this.brokerName(name));
    }
    this.server.disconnect(this.id);
    for (const correlationId of this.pending.keys()) this.settle(correlationId)?.reject(cause);
  }

  /** Declares everything again, and attaches every consumer that has lost its queue. */
  private repair(): void {
    if (!this.connected) return;
    for (const queue of this.declared.values()) this.declareNow(queue);
    for (const consumer of this.consumers) if (!consumer.isAttached) consumer.attach();
  }

  /** Waits for the connection, as long as it takes. */
  private async whenConnected(): Promise<void> {
    if (this.state === 'disconnected') await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.state === 'closed') throw new BrokerClosedError();
  }

  // ---- Publishing -------------------------------------------------------------------------------------------------

  private publishNow(published: Published, target: Target, mandatory: boolean): Promise<void> {
    const taken = this.server.publish(published);
    return taken === 0 && mandatory ? Promise.reject(new UnroutableError(target)) : Promise.resolve();
  }

  /** Never rejects. */
  private async ask(id: string, target: Target, message: Message, expiresAt: number): Promise<void> {
    try {
      await this.whenConnected();
      if (!this.pending.has(id)) return;
      const addressed = { replyTo: this.id, correlationId: id, expiresAt };
      const taken = this.server.publish({
        ...target,
        ...addressed,
        items: this.itemsOf([message]),
        persistent: false,
        tries: 0,
      });
      if (taken === 0) throw new UnroutableError(target);
    } catch (error) {
      this.settle(id)?.reject(error);
    }
  }

  private async publishLater(published: Published, target: Target, mandatory: boolean): Promise<void> {
    const timeoutMs = this.options.publishTimeoutMs ?? defaultPublishTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new PublishError('disconnected', target, `not sent within ${timeoutMs} ms`);
      timer = setTimeout(() => reject(error), timeoutMs);
    });
    try {
      await Promise.race([this.whenConnected(), late]);
    } finally {
      clearTimeout(timer);
    }
    await this.publishNow(published, target, mandatory);
  }

  private itemsOf(messages: readonly Message[]): readonly Item[] {
    if (this.server.options.strict) return deepFreeze(messages.map(checkMessage));
    return messages.map((message) => ({ type: 'message', message }));
  }

  private settle(correlationId: string): PendingRequest | undefined {
    const pending = this.pending.delete(correlationId);
    clearTimeout(pending?.timer);
    return pending;
  }

  private get server(): InMemoryServer {
    return this.options.server;
  }

  private brokerName(queue: string): string {
    return this.declared.get(queue)?.kind === 'own' ? `${queue}~${this.id}` : queue;
  }

  private declareNow(queue: QueueDeclaration): void {
    const name = queue.kind === 'own' ? `${queue.name}~${this.id}` : queue.name;
    this.server.declare(name, queue);
  }
}
