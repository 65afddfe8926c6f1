import type { Broker, Target } from '@ryax/broker';
import { limits, type Message } from '@ryax/contracts';
import { backoffMs, reconnectBackoff, TransientMap, type Log, type Owner } from '@ryax/platform';
import type { Timer, Timers } from './timers';

export interface Letter {
  readonly message: Message;
  /** About how long it is as JSON. */
  readonly bytes: number;
  /** Survives a restart of the broker. Not for what is asked for again anyway. */
  readonly persistent: boolean;
  /** The broker has confirmed it. */
  readonly confirmed?: () => void;
}

/** Messages in one message of the broker, at most. */
const packMessages = 500;
/** The size of a pack is estimated in UTF-16 units, of which JSON in UTF-8 makes six bytes at the worst. */
const packBytes = Math.floor(limits.messageBytes / 8);
/** Packs on their way to one target: the next need not wait for the broker to confirm the one before. */
const packsInFlight = 4;

/**
 * What leaves this executor and must arrive: packed by target, in order, held in memory until the broker has confirmed it.
 * A pack leaves at the end of the turn in which its first message was added: what one batch brought about travels together,
 * and nothing waits for a pack to fill. Its owners bound what they put in.
 */
export class Outbox {
  private readonly lanes = new TransientMap<string, Lane>();
  private idle: (() => void)[] = [];

  constructor(
    private readonly broker: Broker,
    private readonly timers: Timers,
    private readonly owner: Owner,
    private readonly log: Log,
  ) {}

  add(target: Target, letter: Letter): void {
    const key = `${target.exchange} ${target.routingKey}`;
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(target, this.broker, this.timers, this.owner, this.log, () => {
        this.lanes.delete(key);
        if (this.lanes.size === 0) this.idle.splice(0).forEach((resolve) => resolve());
      });
      this.lanes.set(key, lane);
    }
    lane.add(letter);
  }

  /** The broker is there again: what failed to leave need not wait for its backoff. */
  hurry(): void {
    for (const lane of this.lanes.values()) lane.hurry();
  }

  /** Messages that the broker has not confirmed. */
  get size(): number {
    let size = 0;
    for (const lane of this.lanes.values()) size += lane.size;
    return size;
  }

  /** Resolves when nothing is left, for however short a moment. */
  async drained(): Promise<void> {
    if (this.lanes.size > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
  }
}

interface Queued {
  readonly number: number;
  readonly letter: Letter;
}

/** One target's letters. It lives from the first letter until nothing is left. */
class Lane {
  private queue: Queued[] = [];
  private added = 0;
  private confirmed = 0;
  private inFlight = 0;
  private failures = 0;
  private pump: 'idle' | 'due' | 'backing-off' = 'idle';
  private backoff: Timer | undefined;

  constructor(
    private readonly target: Target,
    private readonly broker: Broker,
    private readonly timers: Timers,
    private readonly owner: Owner,
    private readonly log: Log,
    private readonly emptied: () => void,
  ) {}

  get size(): number {
    return this.added - this.confirmed;
  }

  add(letter: Letter): void {
    this.queue.push({ number: this.added++, letter });
    this.schedule();
  }

  hurry(): void {
    if (this.pump !== 'backing-off') return;
    this.backoff?.cancel();
    this.pump = 'idle';
    this.schedule();
  }

  private schedule(): void {
    if (this.pump !== 'idle') return;
    this.pump = 'due';
    queueMicrotask(() => {
      if (this.pump === 'due') this.pump = 'idle';
      this.send();
    });
  }

  private send(): void {
    while (this.pump === 'idle' && this.inFlight < packsInFlight && this.queue.length > 0) {
      const pack = this.nextPack();
      this.inFlight++;
      this.owner.run(`publish to ${this.target.routingKey}`, () => this.publish(pack));
    }
  }

  private nextPack(): readonly Queued[] {
    let count = 0;
    let bytes = 0;
    for (const { letter } of this.queue) {
      bytes += letter.bytes;
      if (count === packMessages || (count > 0 && bytes > packBytes)) break;
      count++;
    }
    return this.queue.splice(0, count);
  }

  private async publish(pack: readonly Queued[]): Promise<void> {
    const [first, ...rest] = pack.map(({ letter }) => letter.message);
    if (first === undefined) return;
    try {
      await this.broker.publish(this.target, [first, ...rest], {
        persistent: pack.some(({ letter }) => letter.persistent),
      });
    } catch (error) {
      this.inFlight--;
      this.failed(pack, error);
      return;
    }
    this.inFlight--;
    this.failures = 0;
    this.confirmed += pack.length;
    for (const { letter } of pack) letter.confirmed?.();
    if (this.size === 0) this.emptied();
    else this.send();
  }

  /** Back in line, where they were: several packs on their way fail one after the other. */
  private failed(pack: readonly Queued[], error: unknown): void {
    this.queue = [...pack, ...this.queue].sort((one, other) => one.number - other.number);
    if (this.pump === 'backing-off') return;
    const delayMs = backoffMs(this.failures++, reconnectBackoff);
    this.log.warn('Messages were not published and are kept', {
      routing_key: this.target.routingKey,
      messages: this.size,
      delay_ms: Math.round(delayMs),
      error,
    });
    this.pump = 'backing-off';
    this.backoff = this.timers.after(delayMs, () => this.hurry());
  }
}
