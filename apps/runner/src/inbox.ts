import type { Broker, Delivery, Subscription } from '@ryax/broker';
import { exchanges, queues, routingKeys } from '@ryax/contracts';

/** A delivery of the inbox, tied to the partition it came through. */
export interface InboxItem {
  readonly partition: number;
  readonly delivery: Delivery;
}

/**
 * The owned partitions of the runner's inbox, merged into one line. Nothing waits for a batch to fill: the decider takes
 * what has gathered while it was busy.
 */
export class Inbox {
  private readonly waiting: InboxItem[] = [];
  private readonly subscriptions = new Map<number, Promise<Subscription>>();
  private wake: (() => void) | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly options: { readonly partitions: number; readonly batchMessages: number },
  ) {}

  /** Declares the queues of all partitions, owned or not: whoever publishes finds them. */
  async declare(): Promise<void> {
    const { partitions } = this.options;
    await this.broker.declare(
      Array.from({ length: partitions }, (_, partition) => ({
        name: queues.runnerPartition(partitions, partition),
        kind: 'partition' as const,
        bindings: [{ exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(partition) }],
      })),
    );
  }

  async subscribe(partition: number): Promise<void> {
    if (this.subscriptions.has(partition)) return;
    const { partitions, batchMessages } = this.options;
    const subscribing = this.broker.consume(
      queues.runnerPartition(partitions, partition),
      { prefetch: batchMessages, maxBatch: batchMessages },
      (batch) => this.receive(partition, batch),
    );
    // Noted at once: whoever unsubscribes before it is there must not leave it behind.
    this.subscriptions.set(partition, subscribing);
    try {
      await subscribing;
    } catch (error) {
      if (this.subscriptions.get(partition) === subscribing) this.subscriptions.delete(partition);
      throw error;
    }
  }

  /** Stops taking from a partition. What was taken from it is still decided; the stream heads fence it. */
  async unsubscribe(partition: number): Promise<void> {
    const subscription = this.subscriptions.get(partition);
    this.subscriptions.delete(partition);
    await (await subscription?.catch(() => undefined))?.stop();
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions.keys()].map((partition) => this.unsubscribe(partition)));
  }

  get depth(): number {
    return this.waiting.length;
  }

  /** All that waits, up to the batch's bound; empty when nothing does. */
  take(): readonly InboxItem[] {
    return this.waiting.splice(0, this.options.batchMessages);
  }

  /** Called (once) when something arrives. */
  onArrival(wake: () => void): void {
    this.wake = wake;
  }

  /** Hands over and returns: what is taken stays bounded by the prefetch, and is settled by the decider. */
  private receive(partition: number, batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) this.waiting.push({ partition, delivery });
    this.wake?.();
    return Promise.resolve();
  }
}
