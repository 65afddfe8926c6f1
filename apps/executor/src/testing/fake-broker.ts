import type {
  BatchHandler,
  Broker,
  Delivery,
  PublishOptions,
  QueueDeclaration,
  Subscription,
  Target,
} from '@ryax/broker';
import type { Message } from '@ryax/contracts';

export interface Published {
  readonly target: Target;
  readonly messages: readonly Message[];
  readonly options: PublishOptions | undefined;
}

/** How the broker answers what is published: at once, with an error, or not before it is told to. */
export type Confirms = 'at-once' | 'never' | Error;

/** The broker's port with its failures at hand; the real behaviour is tested against the real implementations. */
export class FakeBroker implements Broker {
  connected = true;
  /** Until it is nothing can be declared or consumed. */
  isThere = true;
  confirms: Confirms = 'at-once';
  readonly published: Published[] = [];
  readonly declared: QueueDeclaration[] = [];
  readonly forgotten: string[] = [];
  /** A test's answer to what is published. */
  onPublish: (published: Published) => void = () => undefined;
  private readonly handlers = new Map<string, BatchHandler>();
  private readonly unread = new Map<string, Delivery[]>();
  private readonly listeners: (() => void)[] = [];
  private readonly waiting: (() => void)[] = [];
  private readonly withheld: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  declare(queues: readonly QueueDeclaration[]): Promise<void> {
    this.declared.push(...queues);
    return this.whenThere();
  }

  /** What has waited for it goes on. */
  comeBack(): void {
    this.isThere = true;
    this.waiting.splice(0).forEach((goOn) => goOn());
  }

  private whenThere(): Promise<void> {
    return this.isThere ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  forget(queue: string): Promise<void> {
    this.forgotten.push(queue);
    return Promise.resolve();
  }

  async publish(target: Target, messages: readonly [Message, ...Message[]], options?: PublishOptions): Promise<void> {
    if (this.confirms instanceof Error) throw this.confirms;
    const published = { target, messages, options };
    this.published.push(published);
    this.onPublish(published);
    if (this.confirms !== 'never') return;
    await new Promise<void>((resolve, reject) => this.withheld.push({ resolve, reject }));
  }

  /** Confirms what was withheld, and from now on at once. */
  confirm(): void {
    this.confirms = 'at-once';
    this.withheld.splice(0).forEach(({ resolve }) => resolve());
  }

  /** Refuses what was withheld, one after the other, and confirms from now on at once. */
  refuse(error: Error): void {
    this.confirms = 'at-once';
    for (const { reject } of this.withheld.splice(0)) reject(error);
  }

  async consume(queue: string, _options: unknown, handler: BatchHandler): Promise<Subscription> {
    await this.whenThere();
    this.handlers.set(queue, handler);
    const waiting = this.unread.get(queue) ?? [];
    this.unread.delete(queue);
    if (waiting.length > 0) await handler(waiting);
    return {
      stop: () => {
        this.handlers.delete(queue);
        return Promise.resolve();
      },
    };
  }

  isConsumed(queue: string): boolean {
    return this.handlers.has(queue);
  }

  /** One batch to whoever consumes the queue; kept for the next consumer when nobody does. */
  async deliver(queue: string, messages: readonly Message[], redelivered = false): Promise<readonly FakeDelivery[]> {
    const batch = messages.map((message) => new FakeDelivery(message, redelivered));
    const handler = this.handlers.get(queue);
    if (handler === undefined) this.unread.set(queue, [...(this.unread.get(queue) ?? []), ...batch]);
    else await handler(batch);
    return batch;
  }

  onConnected(listener: () => void): void {
    this.listeners.push(listener);
    if (this.connected) listener();
  }

  reconnect(): void {
    this.connected = true;
    this.listeners.forEach((listener) => listener());
  }

  request(): Promise<Message> {
    return Promise.reject(new Error('not part of this fake'));
  }

  depth(queue: string): Promise<number | undefined> {
    return Promise.resolve(this.unread.get(queue)?.length ?? 0);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class FakeDelivery implements Delivery {
  readonly replyTo = undefined;
  readonly correlationId = undefined;
  settled: 'not' | 'acknowledged' | 'retried' | 'deferred' | 'parked' = 'not';

  constructor(
    readonly message: Message,
    readonly redelivered = false,
  ) {}

  ack(): void {
    this.settled = 'acknowledged';
  }

  retry(): void {
    this.settled = 'retried';
  }

  defer(): void {
    this.settled = 'deferred';
  }

  park(): void {
    this.settled = 'parked';
  }

  reply(): void {
    // Executors answer by reports.
  }
}
