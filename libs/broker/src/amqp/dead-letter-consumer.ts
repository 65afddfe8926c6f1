import { queues } from '@ryax/contracts';
import type { Log } from '@ryax/platform';
import type { Channel, ConsumeMessage } from 'amqplib';
import { defaultGraceMs, type DeadLetter, type DeadLetterHandler } from '../broker';
import { DeadLetterLoop, deadLettersInHand } from '../dead-letters';
import type { AmqpSubscription, Session } from './session';
import { parkHeaders, wireOf } from './wire-properties';

export interface DeadLetterConsumerHost {
  readonly log: Log;
  repair(consumer: AmqpSubscription, session: Session): void;
  forget(consumer: AmqpSubscription): void;
}

interface Taken {
  readonly letter: DeadLetter;
  readonly delivery: ConsumeMessage;
  readonly channel: Channel;
}

/** Reads `ryax.dead` for its whole life, over any number of sessions. */
export class DeadLetterConsumer implements AmqpSubscription {
  readonly queue = queues.dead;
  private readonly loop: DeadLetterLoop<Taken>;
  private channel: Channel | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    handler: DeadLetterHandler,
    private readonly host: DeadLetterConsumerHost,
  ) {
    this.loop = new DeadLetterLoop<Taken>(handler, (taken) => this.settle(taken), host.log);
  }

  async attach(session: Session): Promise<void> {
    if (this.stopping) return;
    const channel = await session.channel();
    this.channel = channel;
    await channel.prefetch(deadLettersInHand);
    await channel.consume(this.queue, (delivery) => {
      if (this.channel !== channel || this.stopping) return;
      if (delivery) this.loop.accept({ letter: letterOf(delivery), delivery, channel });
      else this.deleted(session);
    });
  }

  detach(): void {
    this.channel = undefined;
    this.loop.discard();
  }

  stop(graceMs = defaultGraceMs): Promise<void> {
    this.stopping ??= this.end(graceMs);
    return this.stopping;
  }

  private async end(graceMs: number): Promise<void> {
    await this.loop.stop(graceMs);
    this.host.forget(this);
    const { channel } = this;
    this.detach();
    // Closing gives back to the queue what is unacknowledged.
    await channel?.close().catch(() => undefined);
  }

  private deleted(session: Session): void {
    this.host.log.warn('A queue was deleted under its consumer', { queue: this.queue });
    const { channel } = this;
    this.detach();
    channel?.close().catch(() => undefined);
    this.host.repair(this, session);
  }

  private settle(taken: readonly Taken[]): void {
    for (const { delivery, channel } of taken) {
      if (channel !== this.channel) continue;
      try {
        channel.ack(delivery);
      } catch (error) {
        this.host.log.debug('A dead letter could not be acknowledged, its channel is gone', { error });
      }
    }
  }
}

/** What we parked says why in headers of ours; what the broker itself has expelled, in those of its dead-lettering. */
function letterOf(delivery: ConsumeMessage): DeadLetter {
  const wire = wireOf(delivery);
  const { contentType, content } = wire;
  const why = new Map(Object.entries(wire.headers).filter(([name]) => marks.test(name)));
  const headers = Object.fromEntries(Object.entries(wire.headers).filter(([name]) => !why.has(name)));
  const death = deathOf(why.get('x-death'));
  const text = (name: string) => (typeof why.get(name) === 'string' ? String(why.get(name)) : undefined);
  return {
    reason: text(parkHeaders.reason) ?? death.reason,
    queue: text(parkHeaders.queue) ?? death.queue,
    tries: Number(why.get(parkHeaders.tries) ?? 0),
    exchange: text(parkHeaders.exchange) ?? death.exchange,
    routingKey: text(parkHeaders.routingKey) ?? death.routingKey,
    contentType,
    headers,
    content,
  };
}

/** Ours, and RabbitMQ's. */
const marks = /^x-(ryax-.*|death|first-death-.*)$/;

/** The newest entry of RabbitMQ's own account, read as what anybody may have written. */
function deathOf(account: unknown): Pick<DeadLetter, 'reason' | 'queue' | 'exchange' | 'routingKey'> {
  const newest = Array.isArray(account) ? (account as readonly unknown[])[0] : undefined;
  const death: Readonly<Record<string, unknown>> = typeof newest === 'object' && newest !== null ? { ...newest } : {};
  const keys = death['routing-keys'];
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    reason: text(death['reason']) || 'it does not say why',
    queue: text(death['queue']),
    exchange: text(death['exchange']),
    routingKey: text(Array.isArray(keys) ? keys[0] : undefined),
  };
}
