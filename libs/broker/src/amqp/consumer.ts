import type { Message } from '@ryax/contracts';
import type { Log } from '@ryax/platform';
import type { Channel, ConsumeMessage } from 'amqplib';
import { BatchLoop } from '../batch-loop';
import { defaultGraceMs, type BatchHandler, type ConsumeOptions } from '../broker';
import { decode, type Item } from '../cloud-events/decode';
import { encodeOne } from '../cloud-events/encode';
import type { Wire } from '../cloud-events/wire';
import type { AnswerTo, Carrier, CarrierHost } from '../held';
import { park, type ParkingHost } from './parking';
import type { Requests } from './requests';
import type { AmqpSubscription, Session } from './session';
import { parkHeaders, textOf, triesOf, wireOf } from './wire-properties';

/** What a consumer needs of its broker. */
export interface ConsumerHost extends ParkingHost {
  readonly requests: Requests;
  readonly log: Log;
  brokerName(queue: string): string;
  /** The queue was deleted under a consumer: declare it again and attach the consumer again. */
  repair(consumer: AmqpSubscription, session: Session): void;
  forget(consumer: AmqpSubscription): void;
}

/** A broker message with the channel that it must be settled on. */
interface AmqpCarrier extends Carrier {
  readonly delivery: ConsumeMessage;
  readonly channel: Channel;
  readonly wire: Wire;
  state: 'unsettled' | 'settled' | 'sent';
}

/**
 * A subscription for its whole life, over any number of sessions. Per session it has a channel of its own, so that a
 * run of settled deliveries is acknowledged as one (`multiple`) without touching another's.
 */
export class AmqpConsumer implements AmqpSubscription, CarrierHost<AmqpCarrier> {
  private readonly loop: BatchLoop<AmqpCarrier>;
  /** Unacknowledged deliveries of the current channel, in order. */
  private unacknowledged: AmqpCarrier[] = [];
  private channel: Channel | undefined;
  private consumerTag: string | undefined;
  private flushing = false;
  private stopping: Promise<void> | undefined;

  constructor(
    readonly queue: string,
    private readonly options: ConsumeOptions,
    handler: BatchHandler,
    private readonly host: ConsumerHost,
  ) {
    this.loop = new BatchLoop(queue, options, handler, this, host.log);
  }

  /** Subscribes over a new session. */
  async attach(session: Session): Promise<void> {
    if (this.isStopping) return;
    try {
      const channel = await session.channel();
      this.channel = channel;
      await channel.prefetch(this.options.prefetch);
      const onDelivery = (delivery: ConsumeMessage | null) => {
        if (this.channel !== channel) return;
        if (delivery) this.accept(delivery, channel);
        else this.cancelled(session);
      };
      const { consumerTag } = await channel.consume(this.host.brokerName(this.queue), onDelivery);
      this.consumerTag = consumerTag;
    } catch (error) {
      if (!this.isStopping) throw error;
    }
  }

  /** The channel is gone, and with it the right to settle what came over it. */
  detach(): void {
    this.channel = undefined;
    this.unacknowledged = [];
    this.loop.discard();
  }

  private get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  stop(graceMs = defaultGraceMs): Promise<void> {
    this.stopping ??= this.end(graceMs);
    return this.stopping;
  }

  private async end(graceMs: number): Promise<void> {
    const cancelled = this.cancel();
    await this.loop.stop(graceMs);
    await cancelled;
    this.host.forget(this);
    this.flush();
    const { channel } = this;
    this.detach();
    // Closing gives back to the queue what is unacknowledged.
    await channel?.close().catch(() => undefined);
  }

  /** Nothing more comes; what is on its way is not handed out any more. */
  private async cancel(): Promise<void> {
    try {
      if (this.consumerTag !== undefined) await this.channel?.cancel(this.consumerTag);
    } catch {
      // The channel is gone already.
    }
  }

  private cancelled(session: Session): void {
    this.host.log.warn('A queue was deleted under its consumer', { queue: this.queue });
    const { channel } = this;
    this.detach();
    channel?.close().catch(() => undefined);
    if (!this.isStopping) this.host.repair(this, session);
  }

  private accept(delivery: ConsumeMessage, channel: Channel): void {
    const wire = wireOf(delivery);
    const carrier: AmqpCarrier = {
      items: decode(wire),
      redelivered: delivery.fields.redelivered,
      tries: triesOf(wire),
      replyTo: textOf(delivery.properties.replyTo),
      correlationId: textOf(delivery.properties.correlationId),
      delivery,
      channel,
      wire,
      state: 'unsettled',
    };
    this.unacknowledged.push(carrier);
    this.loop.accept(carrier);
  }

  // ---- What the loop asks for -------------------------------------------------------------------------------------

  settle(carrier: AmqpCarrier): void {
    if (carrier.channel !== this.channel || carrier.state !== 'unsettled') return;
    carrier.state = 'settled';
    if (this.flushing) return;
    this.flushing = true;
    // All that is settled in one go is acknowledged with one frame.
    queueMicrotask(() => {
      this.flushing = false;
      this.flush();
    });
  }

  giveBack(carrier: AmqpCarrier): void {
    if (carrier.channel !== this.channel || carrier.state !== 'unsettled') return;
    carrier.state = 'sent';
    // Not kept behind what is still in hand: it may be large, and it comes again.
    this.unacknowledged = this.unacknowledged.filter((each) => each !== carrier);
    this.guarded(carrier.channel, (channel) => channel.nack(carrier.delivery, false, true));
  }

  async park(carrier: AmqpCarrier, item: Item, tries: number, reason: string): Promise<void> {
    const { exchange, routingKey } = carrier.delivery.fields;
    const wire = item.type === 'malformed' ? item.wire : encodeOne(item.message, { exchange: '', routingKey });
    await park(this.host, wire, { reason, queue: this.queue, tries, exchange, routingKey });
  }

  async putAside(carrier: AmqpCarrier): Promise<void> {
    const target = { exchange: '', routingKey: this.host.brokerName(this.queue) } as const;
    const marks = { [parkHeaders.tries]: carrier.tries + 1 };
    await Promise.all(
      carrier.items.map(async (item) => {
        const wire = item.type === 'malformed' ? item.wire : encodeOne(item.message, target);
        await this.host.publisher.publish(target, { ...wire, headers: { ...wire.headers, ...marks } }, {});
      }),
    );
  }

  /** The channel handles one thing after the other: an answer to anything says that it has handled what was before. */
  async synced(): Promise<void> {
    this.flush();
    await this.channel?.prefetch(this.options.prefetch).catch(() => undefined);
  }

  reply({ replyTo }: AmqpCarrier, to: AnswerTo, message: Message): void {
    if (replyTo !== undefined) this.host.requests.reply(replyTo, to, message);
  }

  // ---- Acknowledging ----------------------------------------------------------------------------------------------

  /** The settled head of the channel in one frame, what is settled behind a gap singly. */
  private flush(): void {
    const { channel } = this;
    if (!channel) return;
    const gap = this.unacknowledged.findIndex(({ state }) => state === 'unsettled');
    const head = gap === -1 ? this.unacknowledged.splice(0) : this.unacknowledged.splice(0, gap);
    const last = head.findLast(({ state }) => state === 'settled');
    if (last) this.guarded(channel, () => channel.ack(last.delivery, true));
    for (const carrier of this.unacknowledged) {
      if (carrier.state !== 'settled') continue;
      carrier.state = 'sent';
      this.guarded(channel, () => channel.ack(carrier.delivery));
    }
  }

  /** A channel may close between a delivery and its acknowledgement: then it comes again, which is no error. */
  private guarded(channel: Channel, send: (channel: Channel) => void): void {
    try {
      send(channel);
    } catch (error) {
      this.host.log.debug('A delivery could not be settled, its channel is gone', { queue: this.queue, error });
    }
  }
}
