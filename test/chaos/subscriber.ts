import { AmqpBroker, type Delivery } from '@ryax/broker';
import { exchanges } from '@ryax/contracts';
import { Log } from '@ryax/platform';
import type { HeardEvent } from './checks';

export const subscriberQueue = 'chaos-subscriber';

/** Another service: hears all events on a durable queue of its own, and remembers what it heard in which order. */
export class Subscriber {
  readonly heard: HeardEvent[] = [];
  private readonly known = new Set<string>();

  private constructor(private readonly broker: AmqpBroker) {}

  static async start(url: string): Promise<Subscriber> {
    // It reaches the broker past all proxies, and waits for it when it is away: nothing that it says needs a reader.
    const log = new Log({ service: 'chaos-subscriber', write: () => undefined });
    const broker = new AmqpBroker({ url, name: subscriberQueue, log });
    const subscriber = new Subscriber(broker);
    const bindings = [{ exchange: exchanges.events.name, routingKey: '#' }];
    await broker.declare([{ name: subscriberQueue, kind: 'work', bindings }]);
    await broker.consume(subscriberQueue, { prefetch: 500, maxBatch: 500 }, (batch) => subscriber.hear(batch));
    return subscriber;
  }

  /** Different events heard so far. */
  get count(): number {
    return this.known.size;
  }

  async stop(): Promise<void> {
    await this.broker.close();
  }

  private hear(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) {
      const { position, stream, version, type, data } = delivery.message.data as HeardEvent;
      this.heard.push({ position, stream, version, type, data });
      this.known.add(`${stream} ${version}`);
      delivery.ack();
    }
    return Promise.resolve();
  }
}
