import { randomUUID } from 'node:crypto';
import type { Message } from '@ryax/contracts';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Target } from '../broker';
import { decode, encodeOne, type Wire } from '../cloud-events';
import {
  BrokerClosedError,
  ConnectionLostError,
  MalformedReplyError,
  RequestTimeoutError,
  UnroutableError,
} from '../errors';
import { wireOf } from './wire-properties';

/** RabbitMQ's pseudo-queue: answers come straight to the channel that asked, no queue is made or left behind. */
const directReplyTo = 'amq.rabbitmq.reply-to';

interface Pending {
  readonly target: Target;
  readonly wire: Wire;
  readonly deadline: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: Error) => void;
  sent: boolean;
}

/**
 * Asks and answers. Both are transient and unconfirmed: the answer is the confirm, and who gets none asks again. A
 * request expires at the broker when its asker has given up, so that an outage leaves no pile of stale questions.
 */
export class Requests {
  private readonly pending = new Map<string, Pending>();
  private readonly prefix = randomUUID();
  private count = 0;
  private channel: Channel | undefined;
  private closed = false;

  request(target: Target, message: Message, timeoutMs: number): Promise<Message> {
    if (this.closed) return Promise.reject(new BrokerClosedError());
    const id = `${this.prefix}.${this.count++}`;
    return new Promise<Message>((resolve, reject) => {
      const wire = encodeOne(message, target);
      const timer = setTimeout(() => this.fail(id, new RequestTimeoutError(target, timeoutMs)), timeoutMs);
      const deadline = performance.now() + timeoutMs;
      this.pending.set(id, { target, wire, deadline, timer, resolve, reject, sent: false });
      this.send();
    });
  }

  reply(replyTo: string, correlationId: string | undefined, message: Message): void {
    const target: Target = { exchange: '', routingKey: replyTo };
    const { content, contentType, headers } = encodeOne(message, target);
    const properties = { contentType, headers, ...(correlationId === undefined ? {} : { correlationId }) };
    try {
      this.channel?.publish('', replyTo, content, properties);
    } catch {
      // The channel is closing: the asker hears nothing and asks again, as for any answer that is lost.
    }
  }

  async attach(channel: Channel): Promise<void> {
    await channel.consume(directReplyTo, (reply) => reply && this.answered(reply), { noAck: true });
    channel.on('return', ({ properties }) => {
      const id = String(properties.correlationId);
      const pending = this.pending.get(id);
      if (pending) this.fail(id, new UnroutableError(pending.target));
    });
    this.channel = channel;
    this.send();
  }

  detach(): void {
    this.channel = undefined;
    for (const [id, { sent }] of this.pending) {
      if (sent) this.fail(id, new ConnectionLostError('an answer came'));
    }
  }

  close(): void {
    this.closed = true;
    for (const id of this.pending.keys()) this.fail(id, new BrokerClosedError());
  }

  private send(): void {
    if (!this.channel) return;
    for (const [id, pending] of this.pending) {
      if (pending.sent) continue;
      const { target, wire } = pending;
      try {
        this.channel.publish(target.exchange, target.routingKey, wire.content, {
          contentType: wire.contentType,
          headers: wire.headers,
          replyTo: directReplyTo,
          correlationId: id,
          mandatory: true,
          persistent: false,
          expiration: String(Math.max(1, Math.round(pending.deadline - performance.now()))),
        });
        pending.sent = true;
      } catch {
        // The channel is closing: sent over the next one, if that comes in time.
        return;
      }
    }
  }

  private answered(reply: ConsumeMessage): void {
    const id = String(reply.properties.correlationId);
    const pending = this.pending.get(id);
    if (!pending) return;
    const [item] = decode(wireOf(reply));
    if (item?.type === 'message') this.settle(id)?.resolve(item.message);
    else this.fail(id, new MalformedReplyError(pending.target, item?.reason ?? 'it was empty'));
  }

  private fail(id: string, error: Error): void {
    this.settle(id)?.reject(error);
  }

  private settle(id: string): Pending | undefined {
    const pending = this.pending.get(id);
    clearTimeout(pending?.timer);
    this.pending.delete(id);
    return pending;
  }
}
