import { randomUUID } from 'node:crypto';
import type { Message } from '@ryax/contracts';
import { TransientMap, type Log } from '@ryax/platform';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Target } from '../broker';
import { decode } from '../cloud-events/decode';
import { encodeOne } from '../cloud-events/encode';
import type { Wire } from '../cloud-events/wire';
import { encodeCorrelated, type Correlated } from '../correlated';
import {
  BrokerClosedError,
  ConnectionLostError,
  MalformedReplyError,
  RequestTimeoutError,
  UnroutableError,
} from '../errors';
import type { AnswerTo } from '../held';
import { wireOf } from './wire-properties';

/** RabbitMQ's pseudo-queue: answers come straight to the channel that asked, no queue is made or left behind. */
const directReplyTo = 'amq.rabbitmq.reply-to';

interface Pending extends Correlated {
  readonly target: Target;
  readonly deadline: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: Error) => void;
  isSent: boolean;
}

/**
 * Asks and answers. Both are transient and unconfirmed: the answer is the confirm, and who gets none asks again. A
 * request expires at the broker when its asker has given up, so that an outage leaves no pile of stale questions.
 *
 * What is asked of one queue, or answered to one asker, in the same turn of the event loop travels in one message: a message
 * costs the broker and both sides more than what is in it. Nothing waits for company. Only who asks by our attribute is
 * answered so; anybody else gets each answer in a message of its own, with the correlation id that came, if one did.
 */
export class Requests {
  private readonly pending = new TransientMap<string, Pending>();
  private unsent: Pending[] = [];
  /** By reply address. */
  private answers = new Map<string, Correlated[]>();
  private answersAlone: { readonly replyTo: string; readonly correlationId?: string; readonly message: Message }[] = [];
  private readonly prefix = randomUUID();
  private count = 0;
  private channel: Channel | undefined;
  private isFlushDue = false;
  private closed = false;

  constructor(private readonly log: Pick<Log, 'error'>) {}

  request(target: Target, message: Message, timeoutMs: number): Promise<Message> {
    if (this.closed) return Promise.reject(new BrokerClosedError());
    const correlationId = `${this.prefix}.${this.count++}`;
    return new Promise<Message>((resolve, reject) => {
      const timer = setTimeout(() => this.fail(correlationId, new RequestTimeoutError(target, timeoutMs)), timeoutMs);
      const deadline = performance.now() + timeoutMs;
      const asked = { correlationId, message, target, deadline, timer, resolve, reject, isSent: false };
      this.pending.set(correlationId, asked);
      this.unsent.push(asked);
      this.flushSoon();
    });
  }

  reply(replyTo: string, { correlationId, readsPacks }: AnswerTo, message: Message): void {
    if (correlationId === undefined) this.answersAlone.push({ replyTo, message });
    else if (!readsPacks) this.answersAlone.push({ replyTo, correlationId, message });
    else {
      const answers = this.answers.get(replyTo);
      if (answers === undefined) this.answers.set(replyTo, [{ correlationId, message }]);
      else answers.push({ correlationId, message });
    }
    this.flushSoon();
  }

  async attach(channel: Channel): Promise<void> {
    await channel.consume(directReplyTo, (reply) => reply && this.answered(reply), { noAck: true });
    channel.on('return', (returned) => {
      for (const { correlationId } of correlatedOf(returned)) {
        const asked = this.pending.get(correlationId);
        if (asked) this.fail(correlationId, new UnroutableError(asked.target));
      }
    });
    this.channel = channel;
    this.flush();
  }

  detach(): void {
    this.channel = undefined;
    this.answers = new Map();
    this.answersAlone = [];
    for (const [id, { isSent }] of this.pending) {
      if (isSent) this.fail(id, new ConnectionLostError('an answer came'));
    }
  }

  /** What was answered until now still leaves. */
  close(): void {
    this.flush();
    this.closed = true;
    for (const id of this.pending.keys()) this.fail(id, new BrokerClosedError());
  }

  private flushSoon(): void {
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    setImmediate(() => {
      this.isFlushDue = false;
      this.flush();
    });
  }

  private flush(): void {
    const { channel } = this;
    if (!channel) return;
    try {
      this.sendAnswers(channel);
      this.sendQuestions(channel);
    } catch {
      // The channel is closing. Questions are sent over the next one, if that comes in time; who hears no answer asks again.
    }
  }

  private sendAnswers(channel: Channel): void {
    const [packed, alone] = [this.answers, this.answersAlone];
    if (packed.size > 0) this.answers = new Map();
    this.answersAlone = [];
    for (const { replyTo, correlationId, message } of alone) {
      const wire = this.fitting(() => encodeOne(message, { exchange: '', routingKey: replyTo }), message);
      if (wire === undefined) continue;
      const correlation = correlationId === undefined ? {} : { correlationId };
      channel.publish('', replyTo, wire.content, { ...propertiesOf(wire), ...correlation });
    }
    for (const [replyTo, answers] of packed) {
      const target = { exchange: '', routingKey: replyTo } as const;
      const unfit = ({ message }: Correlated, error: Error) => this.dropped(message, error);
      for (const { wire, correlationId } of encodeCorrelated(answers, target, unfit)) {
        channel.publish('', replyTo, wire.content, { ...propertiesOf(wire), correlationId });
      }
    }
  }

  private fitting(encode: () => Wire, message: Message): Wire | undefined {
    try {
      return encode();
    } catch (error) {
      this.dropped(message, error);
      return undefined;
    }
  }

  private dropped({ id, type }: Message, error: unknown): void {
    this.log.error('An answer could not be sent, its asker will ask again', {
      message_id: id,
      message_type: type,
      error,
    });
  }

  private sendQuestions(channel: Channel): void {
    const groups = new Map<string, Pending[]>();
    const { unsent } = this;
    for (const asked of unsent) {
      if (!this.pending.has(asked.correlationId)) continue;
      const key = `${asked.target.exchange} ${asked.target.routingKey}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [asked]);
      else group.push(asked);
    }
    try {
      for (const group of groups.values()) this.sendGroup(channel, group);
    } finally {
      this.unsent = unsent.filter(({ correlationId, isSent }) => !isSent && this.pending.has(correlationId));
    }
  }

  private sendGroup(channel: Channel, group: readonly Pending[]): void {
    const [first] = group;
    if (first === undefined) return;
    const { target } = first;
    for (const { wire, correlationId, members } of encodeCorrelated(group, target, (asked, error) =>
      this.fail(asked.correlationId, error),
    )) {
      // Of those that travel together, the most patient asker decides: the others' answers are dropped when they come.
      const patience = Math.max(...members.map(({ deadline }) => deadline)) - performance.now();
      channel.publish(target.exchange, target.routingKey, wire.content, {
        ...propertiesOf(wire),
        replyTo: directReplyTo,
        correlationId,
        mandatory: true,
        persistent: false,
        expiration: String(Math.max(1, Math.round(patience))),
      });
      for (const asked of members) asked.isSent = true;
    }
  }

  private answered(reply: ConsumeMessage): void {
    for (const { correlationId, message, reason } of correlatedOf(reply)) {
      const asked = this.pending.get(correlationId);
      if (!asked) continue;
      if (message) this.settle(correlationId)?.resolve(message);
      else this.fail(correlationId, new MalformedReplyError(asked.target, reason));
    }
  }

  private fail(id: string, error: Error): void {
    this.settle(id)?.reject(error);
  }

  private settle(id: string): Pending | undefined {
    const asked = this.pending.delete(id);
    clearTimeout(asked?.timer);
    return asked;
  }
}

function propertiesOf({ contentType, headers }: Wire) {
  return { contentType, headers };
}

/** What came, each with the request that it belongs to: its own where it travelled with others. */
function correlatedOf(delivery: Pick<ConsumeMessage, 'properties' | 'content'>) {
  const ofMessage = String(delivery.properties.correlationId);
  return decode(wireOf(delivery)).map((item) => ({
    correlationId: item.correlationId ?? ofMessage,
    message: item.type === 'message' ? item.message : undefined,
    reason: item.type === 'message' ? '' : item.reason,
  }));
}
