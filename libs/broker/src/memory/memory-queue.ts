import type { QueueDeclaration, Subscription } from '../broker';
import type { Item } from '../cloud-events/decode';
import { Fifo } from '../fifo';

/** Why something lies in `ryax.dead`, and where it came from. */
export interface ParkedFrom {
  readonly reason: string;
  readonly queue: string;
  readonly tries: number;
  readonly exchange: string;
  readonly routingKey: string;
}

/** A broker message as it was published. */
export interface Published {
  readonly items: readonly Item[];
  readonly persistent: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  readonly tries: number;
  readonly replyTo?: string;
  readonly correlationId?: string;
  /** On the monotonic clock; undefined: never. */
  readonly expiresAt?: number;
  readonly parked?: ParkedFrom;
}

/** A published message in one queue. */
export interface Entry {
  readonly published: Published;
  /** Its place: what is given back goes in front of what came later. */
  readonly place: number;
  readonly redelivered: boolean;
}

export interface QueueConsumer {
  readonly hasRoom: boolean;
  deliver(entry: Entry): void;
  /** The queue was deleted. */
  cancelled(): void;
}

/** A subscription for its whole life, over any number of connections to the server. */
export interface MemorySubscription extends QueueConsumer, Subscription {
  readonly isAttached: boolean;
  attach(): void;
  detach(): void;
}

export interface QueueBound {
  readonly kind: QueueDeclaration['kind'];
  /** Oldest out first above this. */
  readonly maxLength: number;
}

/** One queue and its consumers: what RabbitMQ's classic queue does for us, in memory. */
export class MemoryQueue {
  private readonly ready = new Fifo<Entry>();
  private readonly consumers: QueueConsumer[] = [];
  private places = 0;
  private turn = 0;

  constructor(
    readonly name: string,
    readonly bound: QueueBound,
    private readonly onExpired: (entry: Entry) => void,
  ) {}

  get length(): number {
    this.dropExpired();
    return this.ready.length;
  }

  push(published: Published): void {
    this.ready.push({ published, place: this.places++, redelivered: false });
    if (this.ready.length > this.bound.maxLength) this.ready.shift();
  }

  /** What a consumer leaves unsettled: back to its places, marked as delivered before. */
  giveBack(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const returned = entries.map((entry) => ({ ...entry, redelivered: true }));
    this.ready.unshift([...returned, ...this.ready.clear()].sort((a, b) => a.place - b.place));
  }

  subscribe(consumer: QueueConsumer): void {
    this.consumers.push(consumer);
  }

  unsubscribe(consumer: QueueConsumer): void {
    const index = this.consumers.indexOf(consumer);
    if (index !== -1) this.consumers.splice(index, 1);
  }

  /** Hands out what is ready, as far as consumers have room. */
  dispatch(): void {
    for (;;) {
      this.dropExpired();
      const consumer = this.ready.length > 0 ? this.nextConsumer() : undefined;
      const entry = consumer && this.ready.shift();
      if (!entry) return;
      consumer.deliver(entry);
    }
  }

  purge(): Entry[] {
    return this.ready.clear();
  }

  /** What a restart of the server does. */
  dropTransient(): void {
    this.ready.unshift(this.ready.clear().filter(({ published }) => published.persistent));
  }

  delete(): void {
    this.ready.clear();
    for (const consumer of this.consumers.splice(0)) consumer.cancelled();
  }

  private dropExpired(): void {
    for (let next = this.ready.peek(); next && isExpired(next); next = this.ready.peek()) {
      this.ready.shift();
      this.onExpired(next);
    }
  }

  /** The first to subscribe is the single active one; otherwise in turn among those with room. */
  private nextConsumer(): QueueConsumer | undefined {
    if (this.bound.kind === 'partition') return this.consumers[0]?.hasRoom ? this.consumers[0] : undefined;
    for (let tried = 0; tried < this.consumers.length; tried++) {
      const consumer = this.consumers[this.turn++ % this.consumers.length];
      if (consumer?.hasRoom) return consumer;
    }
    return undefined;
  }
}

function isExpired({ published: { expiresAt } }: Entry): boolean {
  return expiresAt !== undefined && expiresAt <= performance.now();
}
