import type { Message } from '@ryax/contracts';
import type { Delivery } from './broker';
import type { Item } from './cloud-events/decode';

/** One broker message, as a transport hands it to the loop. */
export interface Carrier {
  readonly items: readonly Item[];
  readonly redelivered: boolean;
  /** Tries that failed before this delivery, as far as they are written on the message. */
  readonly tries: number;
  readonly replyTo: string | undefined;
  readonly correlationId: string | undefined;
}

/** What the loop needs of its transport. For a carrier of a lost channel, `settle` and `giveBack` do nothing. */
export interface CarrierHost<C extends Carrier> {
  /** All items are settled: acknowledge it. */
  settle(carrier: C): void;
  /** Back to its place in the queue. */
  giveBack(carrier: C): void;
  /** Resolves when the broker has the item in `ryax.dead`. */
  park(carrier: C, item: Item, tries: number, reason: string): Promise<void>;
  /** Resolves when the broker has each item as a message of its own at the end of the queue, with one more failed try. */
  putAside(carrier: C): Promise<void>;
  /** Resolves when the broker has heard of all that was settled. */
  synced(): Promise<void>;
  reply(carrier: C, to: AnswerTo, message: Message): void;
}

/** Which question an answer belongs to. */
export interface AnswerTo {
  readonly correlationId: string | undefined;
  /** The asker has named its question by the attribute of the event: it reads answers that share a message. */
  readonly readsPacks: boolean;
}

/** How deliveries reach their loop. */
export interface Settlements<C extends Carrier> {
  ack(held: Held<C>): void;
  retry(held: Held<C>, reason: string): void;
  defer(held: Held<C>, reason: string): void;
  park(held: Held<C>, reason: string): void;
}

/** A broker message of which some items are not settled yet. */
export class HeldCarrier<C extends Carrier> {
  private open: number;
  private givenBack = false;

  constructor(
    readonly carrier: C,
    private readonly host: CarrierHost<C>,
    /** Counts the channels of the subscription: what came over an earlier one comes again. */
    readonly channel: number,
  ) {
    this.open = carrier.items.length;
  }

  itemSettled(): void {
    this.open--;
    if (this.open === 0 && !this.givenBack) this.host.settle(this.carrier);
  }

  giveBack(): void {
    if (this.givenBack) return;
    this.givenBack = true;
    this.host.giveBack(this.carrier);
  }

  reply(to: AnswerTo, message: Message): void {
    this.host.reply(this.carrier, to, message);
  }
}

/** A message in the loop; `handed` while its consumer has it. */
export class Held<C extends Carrier> implements Delivery {
  state: 'waiting' | 'handed' | 'settled' = 'waiting';
  /** The largest batch that it may be part of. */
  limit: number;
  private onLeave: (() => void) | undefined;

  constructor(
    readonly message: Message,
    readonly carrier: HeldCarrier<C>,
    private readonly settlements: Settlements<C>,
    public tries: number,
    readonly arrival: number,
    /** It may have killed a consumer: it is handed out alone. */
    readonly suspected: boolean,
    /** Its own, of a request of ours: several of them may come in one message. */
    private readonly ownCorrelationId: string | undefined,
  ) {
    this.limit = suspected ? 1 : Infinity;
  }

  get redelivered(): boolean {
    return this.tries > 0 || this.carrier.carrier.redelivered;
  }

  get replyTo(): string | undefined {
    return this.carrier.carrier.replyTo;
  }

  get correlationId(): string | undefined {
    return this.ownCorrelationId ?? this.carrier.carrier.correlationId;
  }

  ack(): void {
    if (this.leave()) this.settlements.ack(this);
  }

  retry(reason: string): void {
    if (this.leave()) this.settlements.retry(this, reason);
  }

  defer(reason: string): void {
    if (this.leave()) this.settlements.defer(this, reason);
  }

  park(reason: string): void {
    if (this.leave()) this.settlements.park(this, reason);
  }

  reply(message: Message): void {
    const { correlationId } = this;
    this.carrier.reply({ correlationId, readsPacks: this.ownCorrelationId !== undefined }, message);
  }

  /** Resolves when it is settled, or after so long. */
  async left(patienceMs: number): Promise<void> {
    if (this.state !== 'handed') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.onLeave = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Only what is in somebody's hand can be settled, and only once. */
  private leave(): boolean {
    if (this.state !== 'handed') return false;
    this.state = 'settled';
    this.onLeave?.();
    return true;
  }
}
