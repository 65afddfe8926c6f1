import type { Broker, Delivery, Subscription } from '@ryax/broker';
import { exchanges } from '@ryax/contracts';

/** Hears that the log has grown. A hint: what is lost is found by polling a moment later. */
export class WakeListener {
  private subscription: Subscription | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly queue: string,
    private readonly onWake: () => void,
  ) {}

  async start(): Promise<void> {
    const binding = { exchange: exchanges.wakes.name, routingKey: '' };
    await this.broker.declare([{ name: this.queue, kind: 'own', bindings: [binding] }]);
    // What was published while we were away is lost.
    this.broker.onConnected(this.onWake);
    this.subscription = await this.broker.consume(this.queue, { prefetch: 100, maxBatch: 100 }, (batch) =>
      this.hear(batch),
    );
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
    await this.broker.forget(this.queue);
  }

  private hear(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) delivery.ack();
    this.onWake();
    return Promise.resolve();
  }
}
