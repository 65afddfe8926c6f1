import type { Broker } from '@ryax/broker';
import { exchanges } from '@ryax/contracts';
import type { Readers, StoredEvent, Tail } from '@ryax/event-log';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ReaderMovedError, type LogReader, type StepOutcome } from '../tail/log-reader';
import { outwardMessage, routingKeyOf } from './outward-event';

/** Confirms under way at once; also what is repeated at most after a crash. */
const pageSize = 500;
/** Sent in one turn of the event loop: queries are answered by the same one, and over the same connection. */
const turnSize = 50;
/** Short, as other services act on what they hear. */
const restMs = 20;

/**
 * Publishes every committed event to `ryax.events` in position order: at least once, in order along each stream. The
 * checkpoint moves only after the broker has confirmed, so that a crash in between repeats and never skips.
 */
export class Relay implements LogReader {
  readonly name = 'relay';
  readonly restMs = restMs;
  private position = 0;

  constructor(
    private readonly tail: Tail,
    private readonly readers: Readers,
    private readonly broker: Pick<Broker, 'publish'>,
    private readonly onRelayed: (events: number) => void = () => undefined,
  ) {}

  async resume(): Promise<void> {
    this.position = await this.readers.position(this.name);
  }

  async step(): Promise<StepOutcome> {
    const page = await this.tail.read(this.position, pageSize);
    if (page.position === this.position) return page.waiting ? 'waiting' : 'idle';
    await this.publishAll(page.events);
    if (!(await this.readers.advance(this.name, this.position, page.position))) {
      throw new ReaderMovedError(this.name, this.position);
    }
    this.position = page.position;
    this.onRelayed(page.events.length);
    return page.full ? 'full' : 'moved';
  }

  /**
   * All before the first answer, in order, over one connection: what breaks it cuts off a tail of the page, which the repeat then
   * delivers in order again. Waits for every answer before it fails, so that nothing of this page is sent after the next
   * attempt has begun.
   */
  private async publishAll(events: readonly StoredEvent[]): Promise<void> {
    const turns: Promise<void>[] = [];
    let hasFailed = false;
    for (let from = 0; from < events.length && !hasFailed; from += turnSize) {
      const turn = this.publishTurn(events.slice(from, from + turnSize));
      turn.catch(() => (hasFailed = true));
      turns.push(turn);
      if (from + turnSize < events.length) await nextTurn();
    }
    await allOf(turns);
  }

  private async publishTurn(events: readonly StoredEvent[]): Promise<void> {
    await allOf(events.map((event) => this.publish(event)));
  }

  private publish(event: StoredEvent): Promise<void> {
    const target = { exchange: exchanges.events.name, routingKey: routingKeyOf(event.project, event.type) };
    return this.broker.publish(target, [outwardMessage(event)]);
  }
}

/** Waits for every one, then fails with what the first of them that failed did. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
