import { type Message } from '@ryax/contracts';
import { TransientMap, type Log } from '@ryax/platform';
import { BatchLoop } from '../batch-loop';
import { defaultGraceMs, type BatchHandler, type ConsumeOptions } from '../broker';
import type { Item } from '../cloud-events/decode';
import type { AnswerTo, Carrier, CarrierHost } from '../held';
import type { InMemoryServer } from './in-memory-server';
import type { Entry, MemoryQueue, MemorySubscription } from './memory-queue';

export interface MemoryConsumerHost {
  readonly server: InMemoryServer;
  readonly log: Log;
  brokerName(queue: string): string;
  /** The queue was deleted under a consumer: declare it again and attach what has lost its queue. */
  repair(): void;
  forget(consumer: MemorySubscription): void;
}

interface MemoryCarrier extends Carrier {
  readonly entry: Entry;
}

/** A subscription for its whole life, over any number of connections to the server. */
export class MemoryConsumer implements MemorySubscription, CarrierHost<MemoryCarrier> {
  private readonly loop: BatchLoop<MemoryCarrier>;
  /** By place in the queue. */
  private readonly unsettled = new TransientMap<number, MemoryCarrier>();
  private source: MemoryQueue | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    readonly queue: string,
    private readonly options: ConsumeOptions,
    handler: BatchHandler,
    private readonly host: MemoryConsumerHost,
  ) {
    this.loop = new BatchLoop(queue, options, handler, this, host.log);
  }

  get isAttached(): boolean {
    return this.source !== undefined;
  }

  attach(): void {
    if (!this.stopping) this.source = this.host.server.subscribe(this.host.brokerName(this.queue), this);
  }

  /** The connection is gone: what is unsettled goes back, and comes again. */
  detach(): void {
    const { source } = this;
    this.source = undefined;
    this.loop.discard();
    const entries = [...this.unsettled.values()].map(({ entry }) => entry);
    this.unsettled.clear();
    if (!source) return;
    source.unsubscribe(this);
    source.giveBack(entries);
    this.host.server.schedule(source);
  }

  stop(graceMs = defaultGraceMs): Promise<void> {
    this.stopping ??= this.end(graceMs);
    return this.stopping;
  }

  private async end(graceMs: number): Promise<void> {
    this.source?.unsubscribe(this);
    await this.loop.stop(graceMs);
    this.host.forget(this);
    this.detach();
  }

  // ---- What the queue asks for ------------------------------------------------------------------------------------

  get hasRoom(): boolean {
    return this.unsettled.size < this.options.prefetch;
  }

  deliver(entry: Entry): void {
    const { items, tries, replyTo, correlationId } = entry.published;
    const carrier = { entry, items, tries, replyTo, correlationId, redelivered: entry.redelivered };
    this.unsettled.set(entry.place, carrier);
    this.loop.accept(carrier);
  }

  cancelled(): void {
    this.host.log.warn('A queue was deleted under its consumer', { queue: this.queue });
    this.source = undefined;
    this.detach();
    if (!this.stopping) this.host.repair();
  }

  // ---- What the loop asks for -------------------------------------------------------------------------------------

  settle(carrier: MemoryCarrier): void {
    if (this.release(carrier) && this.source) this.host.server.schedule(this.source);
  }

  giveBack(carrier: MemoryCarrier): void {
    if (!this.release(carrier) || !this.source) return;
    this.source.giveBack([carrier.entry]);
    this.host.server.schedule(this.source);
  }

  /** Whether it was ours: over a later connection it may have come again. */
  private release(carrier: MemoryCarrier): boolean {
    const { place } = carrier.entry;
    if (this.unsettled.get(place) !== carrier) return false;
    return this.unsettled.delete(place) !== undefined;
  }

  park({ entry }: MemoryCarrier, item: Item, tries: number, reason: string): Promise<void> {
    const { exchange, routingKey } = entry.published;
    const parked = { reason, queue: this.queue, tries, exchange, routingKey };
    this.host.server.park({ ...entry.published, items: [item] }, parked);
    return Promise.resolve();
  }

  putAside({ entry }: MemoryCarrier): Promise<void> {
    const { items, ...rest } = entry.published;
    const routingKey = this.host.brokerName(this.queue);
    for (const item of items) {
      this.host.server.publish({ ...rest, items: [item], exchange: '', routingKey, tries: rest.tries + 1 });
    }
    return Promise.resolve();
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  reply({ replyTo }: MemoryCarrier, { correlationId }: AnswerTo, message: Message): void {
    if (replyTo === undefined || correlationId === undefined) return;
    const target = { exchange: '', routingKey: replyTo } as const;
    this.host.server.answer(replyTo, correlationId, {
      ...target,
      items: [{ type: 'message', message }],
      persistent: false,
      tries: 0,
    });
  }
}
