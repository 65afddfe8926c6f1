import { backoffMs, messageOf, type Backoff, type Log } from '@ryax/platform';
import type { BatchHandler, ConsumeOptions } from './broker';
import type { Item } from './cloud-events/decode';
import { HandlerUnavailableError } from './errors';
import { Held, HeldCarrier, type Carrier, type CarrierHost, type Settlements } from './held';
import { RememberedTries } from './remembered-tries';
import { WaitingLine } from './waiting-line';

const defaultMaxTries = 5;
const retryBackoff: Backoff = { initialMs: 200, maxMs: 5_000 };
const pauseBackoff: Backoff = { initialMs: 100, maxMs: 5_000 };
/** How long nothing is handed out beside a suspect that its consumer has not settled. Killing takes less, work may take more. */
const suspectPatienceMs = 100;
/** It travels in a header. */
const maxReasonLength = 2_000;

/**
 * The half of a subscription that is the same over every transport: batches, tries, parking.
 *
 * | A message | is then |
 * |---|---|
 * | cannot be read | parked with the reason, never handed out |
 * | fails in a batch with others | handed out in a batch of half the size, not counted |
 * | fails alone, or by `retry` | counted; tried again at once, then after growing pauses; parked after `maxTries` |
 * | is deferred | handed out again after a pause of the whole subscription, not counted |
 * | was unsettled when its consumer died, and is the first of its queue | put aside with a counted try, see below |
 *
 * Tries are counted here and not by the broker: a requeue of a classic queue counts nothing, and the delivery count of
 * a quorum queue also blames whatever was merely prefetched beside the culprit. A retried message stays with its
 * consumer, so that it keeps its place. Only what may have killed its consumer needs a count that outlives the process:
 * as the queue gives back in order, that is the first message that a fresh subscription receives, if it is marked as
 * redelivered. It is published again with the count in a header, and all else that is redelivered is handed out alone,
 * once the broker has heard of everything before it, so that the next death points at one message. Requests are exempt:
 * they expire with the patience of their asker.
 */
export class BatchLoop<C extends Carrier> {
  private readonly waiting = new WaitingLine<C>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly tries = new RememberedTries();
  private readonly maxTries: number;
  private isFresh = true;
  private channel = 0;
  private arrivals = 0;
  /** Of the current channel: items handed out and not settled, and items on their way to `ryax.dead`. */
  private inHand = 0;
  private handling = false;
  private puttingAside = false;
  private scheduled = false;
  private pauses = 0;
  private parkFailures = 0;
  private pause: NodeJS.Timeout | undefined;
  private stopped = false;
  private onIdle: (() => void) | undefined;

  constructor(
    readonly queue: string,
    private readonly options: ConsumeOptions,
    private readonly handler: BatchHandler,
    private readonly host: CarrierHost<C>,
    private readonly log: Log,
  ) {
    this.maxTries = options.maxTries ?? defaultMaxTries;
  }

  /** Takes a broker message; it is settled once each of its items is. */
  accept(carrier: C): void {
    const held = new HeldCarrier(carrier, this.host, this.channel);
    // Over a later channel it comes again because a connection was lost, not because it killed anybody: we are here.
    const mayHaveKilled = carrier.redelivered && this.channel === 0 && carrier.replyTo === undefined;
    if (mayHaveKilled && this.isFresh) void this.suspect(held);
    else this.takeItems(held, mayHaveKilled || carrier.tries > 0);
    this.isFresh = false;
  }

  private takeItems(held: HeldCarrier<C>, suspected: boolean): void {
    const { carrier } = held;
    for (const item of carrier.items) {
      if (item.type === 'malformed') void this.park(held, item, carrier.tries, item.reason);
      else this.waiting.add(this.hold(held, item, suspected));
    }
    this.schedule();
  }

  /** The channel is gone: what was not handed out comes again over the next one. */
  discard(): void {
    this.channel++;
    // Its settlement would be without effect: nobody has to wait for it.
    this.inHand = 0;
    for (const { message, tries } of this.waiting.clear()) this.tries.remember(message.id, tries);
  }

  /** Hands out nothing more; resolves when nothing is in hand, or after the grace period. */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    this.waiting.clear();
    for (const timer of this.timers) clearTimeout(timer);
    clearTimeout(this.pause);
    if (this.isIdle) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, graceMs);
      this.onIdle = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  // ---- Handing out ------------------------------------------------------------------------------------------------

  /** In a microtask, so that all deliveries of one read from the socket are one batch. */
  private schedule(): void {
    if (this.scheduled || !this.canHandOut) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      if (this.canHandOut) void this.handOut();
    });
  }

  private get canHandOut(): boolean {
    return !this.handling && !this.puttingAside && !this.pause && !this.stopped && this.waiting.length > 0;
  }

  /** Never rejects. */
  private async handOut(): Promise<void> {
    this.handling = true;
    const batch = this.waiting.take(this.options.maxBatch);
    this.inHand += batch.length;
    for (const held of batch) held.state = 'handed';
    const suspect = batch.find(({ suspected }) => suspected);
    try {
      // What was settled before it must not be blamed for what it may do now.
      if (suspect) await this.host.synced();
      await this.handler(batch);
      await suspect?.left(suspectPatienceMs);
    } catch (error) {
      this.failed(
        batch.filter(({ state }) => state === 'handed'),
        error,
      );
    }
    this.handling = false;
    this.checkIdle();
    this.schedule();
  }

  private failed(unsettled: readonly Held<C>[], error: unknown): void {
    const reason = messageOf(error);
    this.log.warn('A batch failed', { queue: this.queue, unsettled: unsettled.length, error });
    if (error instanceof HandlerUnavailableError) {
      for (const held of unsettled) held.defer(reason);
    } else if (unsettled.length === 1) {
      unsettled[0]?.retry(reason);
    } else {
      for (const held of unsettled) {
        held.limit = Math.ceil(unsettled.length / 2);
        this.putBack(held);
      }
    }
  }

  // ---- Settling: called by the deliveries -------------------------------------------------------------------------

  private hold(
    carrier: HeldCarrier<C>,
    { message, correlationId }: Extract<Item, { type: 'message' }>,
    suspected: boolean,
  ): Held<C> {
    const tries = Math.max(carrier.carrier.tries, this.tries.take(message.id));
    return new Held(message, carrier, this.settlements, tries, this.arrivals++, suspected, correlationId);
  }

  private readonly settlements: Settlements<C> = {
    ack: (held) => {
      this.pauses = 0;
      held.carrier.itemSettled();
      this.released(held.carrier);
    },
    retry: (held, reason) => {
      held.tries++;
      if (held.tries >= this.maxTries) {
        this.settlements.park(held, reason);
      } else if (held.tries === 1) {
        this.putBack(held);
      } else {
        this.later(held, backoffMs(held.tries - 2, retryBackoff));
      }
    },
    defer: (held, reason) => {
      this.pauseFor(reason);
      this.putBack(held);
    },
    park: (held, reason) => {
      if (held.carrier.channel !== this.channel) return;
      const item: Item = { type: 'message', message: held.message };
      void this.park(held.carrier, item, held.tries, reason);
      this.released(held.carrier);
    },
  };

  private released({ channel }: HeldCarrier<C>): void {
    if (channel === this.channel) this.inHand--;
    this.checkIdle();
  }

  private putBack(held: Held<C>): void {
    held.state = 'waiting';
    this.released(held.carrier);
    this.enqueue(held);
  }

  private later(held: Held<C>, delayMs: number): void {
    held.state = 'waiting';
    this.released(held.carrier);
    this.after(delayMs, () => this.enqueue(held));
  }

  /** Unless it is stopped before. */
  private after(delayMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, delayMs);
    this.timers.add(timer);
  }

  private enqueue(held: Held<C>): void {
    if (this.stopped) return;
    if (held.carrier.channel !== this.channel) return this.tries.remember(held.message.id, held.tries);
    this.waiting.putBack(held);
    this.schedule();
  }

  private pauseFor(reason: string): void {
    if (this.pause || this.stopped) return;
    const delayMs = backoffMs(this.pauses++, pauseBackoff);
    this.log.warn('A subscription paused', { queue: this.queue, reason, delay_ms: Math.round(delayMs) });
    this.pause = setTimeout(() => {
      this.pause = undefined;
      this.schedule();
    }, delayMs);
  }

  private get isIdle(): boolean {
    return this.inHand === 0 && !this.handling;
  }

  private checkIdle(): void {
    if (this.isIdle) this.onIdle?.();
  }

  // ---- What leaves the queue by another way -----------------------------------------------------------------------

  /** Parked first, settled after: a crash in between parks it twice, and never loses it. Never rejects. */
  private async park(held: HeldCarrier<C>, item: Item, tries: number, reason: string): Promise<void> {
    if (held.channel === this.channel) this.inHand++;
    try {
      await this.host.park(held.carrier, item, tries, reason.slice(0, maxReasonLength));
      this.log.error('A message was parked', { queue: this.queue, reason, tries, ...describeItem(item) });
      this.parkFailures = 0;
      held.itemSettled();
    } catch (error) {
      this.log.warn('A message could not be parked yet', { queue: this.queue, error, ...describeItem(item) });
      // Not at once: it comes again, and what has kept it from being parked may do so again.
      if (!this.stopped) this.after(backoffMs(this.parkFailures++, retryBackoff), () => held.giveBack());
    }
    this.released(held);
  }

  /** Never rejects. */
  private async suspect(held: HeldCarrier<C>): Promise<void> {
    const { carrier } = held;
    const tries = carrier.tries + 1;
    if (tries >= this.maxTries) {
      const reason = `its consumer died with it in hand, ${tries} times`;
      await Promise.all(carrier.items.map((item) => this.park(held, item, tries, reason)));
      return;
    }
    this.inHand++;
    this.puttingAside = true;
    try {
      await this.host.putAside(carrier);
      for (let settled = 0; settled < carrier.items.length; settled++) held.itemSettled();
    } catch (error) {
      this.log.warn('A suspected message could not be put aside yet', { queue: this.queue, error });
      held.giveBack();
    }
    this.puttingAside = false;
    this.released(held);
    this.schedule();
  }
}

function describeItem(item: Item): object {
  return item.type === 'message' ? { id: item.message.id, type: item.message.type } : {};
}
