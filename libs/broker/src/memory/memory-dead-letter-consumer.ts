import { queues } from '@ryax/contracts';
import type { Log } from '@ryax/platform';
import { defaultGraceMs, type DeadLetter, type DeadLetterHandler } from '../broker';
import { encodeOne } from '../cloud-events/encode';
import { DeadLetterLoop, deadLettersInHand } from '../dead-letters';
import type { InMemoryServer } from './in-memory-server';
import type { Entry, MemoryQueue, MemorySubscription } from './memory-queue';

export interface MemoryDeadLetterHost {
  readonly server: InMemoryServer;
  readonly log: Log;
  repair(): void;
  forget(consumer: MemorySubscription): void;
}

interface Taken {
  readonly letter: DeadLetter;
  readonly entry: Entry;
}

/** Reads `ryax.dead` for its whole life, over any number of connections to the server. */
export class MemoryDeadLetterConsumer implements MemorySubscription {
  private readonly loop: DeadLetterLoop<Taken>;
  private readonly unsettled = new Set<Taken>();
  private source: MemoryQueue | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    handler: DeadLetterHandler,
    private readonly host: MemoryDeadLetterHost,
  ) {
    this.loop = new DeadLetterLoop<Taken>(handler, (taken) => this.settle(taken), host.log);
  }

  get isAttached(): boolean {
    return this.source !== undefined;
  }

  attach(): void {
    if (this.stopping) return;
    this.host.server.declareDead();
    this.source = this.host.server.subscribe(queues.dead, this);
  }

  detach(): void {
    const { source } = this;
    this.source = undefined;
    this.loop.discard();
    const entries = [...this.unsettled].map(({ entry }) => entry);
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

  get hasRoom(): boolean {
    return this.unsettled.size < deadLettersInHand;
  }

  deliver(entry: Entry): void {
    const taken = { letter: letterOf(entry), entry };
    this.unsettled.add(taken);
    this.loop.accept(taken);
  }

  cancelled(): void {
    this.source = undefined;
    this.detach();
    if (!this.stopping) this.host.repair();
  }

  private settle(taken: readonly Taken[]): void {
    for (const each of taken) this.unsettled.delete(each);
    if (this.source) this.host.server.schedule(this.source);
  }
}

/** As it would stand on a wire. */
function letterOf({ published }: Entry): DeadLetter {
  const { exchange, routingKey, parked, items } = published;
  const [item] = items;
  if (item === undefined) throw new Error('Expected a parked message to have an item');
  const target = { exchange: '', routingKey } as const;
  const wire = item.type === 'malformed' ? item.wire : encodeOne(item.message, target);
  const why = parked ?? { reason: 'it does not say why', queue: queues.dead, tries: 0, exchange, routingKey };
  return { ...why, ...wire };
}
