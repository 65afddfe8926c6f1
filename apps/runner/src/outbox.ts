import { PublishError, UnroutableError, type Broker, type PublishOptions } from '@ryax/broker';
import {
  exchanges,
  routingKeys,
  type Attempt,
  type Cancel,
  type Message,
  type MessageType,
  type Start,
} from '@ryax/contracts';
import type { IdSource, Log } from '@ryax/platform';

/** Starts in one message at most: it is lost, comes back and is taken as a whole. */
const maxPacked = 50;
/** Attempts named in one cancel, query or settled message. */
const maxListed = 500;
/** Nobody waits for `settled`: an executor only keeps an outcome a little longer, and would say it again after seconds. */
const settledRestMs = 50;

/** A start and whom it is for. */
export interface OutgoingStart {
  readonly start: Start;
  /** Since when it is meant, by the database, in milliseconds since the epoch. */
  readonly since: number;
  /** Its executor has no queue any more: it has not got it, and never will. */
  readonly undelivered: () => void;
  /** It is larger than a message may be, and always will be. */
  readonly tooLarge: () => void;
}

type SettledAttempt = Omit<Attempt, 'reply_partition'>;
type CancelledAttempt = Cancel['attempts'][number];

/**
 * What is to be sent after a commit, packed by destination. Commands are derived from state and are repeated from the
 * log, so a message that is lost here costs time, never work: failures are logged, not raised.
 */
export class Outbox {
  private starts = new Map<string, OutgoingStart[]>();
  private cancels = new Map<string, CancelledAttempt[]>();
  private queries = new Map<string, { to: string; askedAt: number; attempts: Attempt[] }>();
  private settled = new Map<string, SettledAttempt[]>();
  private settledTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly ids: IdSource,
    private readonly log: Log,
    private readonly source: string,
  ) {}

  start(incarnation: string, start: OutgoingStart): void {
    append(this.starts, incarnation, start);
  }

  cancel(site: string, attempt: CancelledAttempt): void {
    append(this.cancels, site, attempt);
  }

  /**
   * @param to the routing key of a site's executors, or of one of them
   * @param askedAt by the database: what is sent after the answer has to be meant since then
   */
  query(to: string, attempt: Attempt, askedAt: number): void {
    const key = `${to} ${askedAt}`;
    const query = this.queries.get(key);
    if (query === undefined) this.queries.set(key, { to, askedAt, attempts: [attempt] });
    else query.attempts.push(attempt);
  }

  /** Gathered over several flushes: one message for each of a busy executor's reports would cost as much as its start. */
  settle(incarnation: string, attempt: SettledAttempt): void {
    append(this.settled, incarnation, attempt);
    this.settledTimer ??= setTimeout(() => void this.flushSettled(), settledRestMs);
  }

  /** Sends what is settled without waiting for more of it. */
  async flushSettled(): Promise<void> {
    clearTimeout(this.settledTimer);
    this.settledTimer = undefined;
    const { settled } = this;
    this.settled = new Map();
    const sent: Promise<unknown>[] = [];
    for (const [incarnation, attempts] of settled) {
      for (const part of chunks(attempts, maxListed)) {
        sent.push(this.publishList('execution.settled', routingKeys.executor(incarnation), part));
      }
    }
    await Promise.all(sent);
  }

  /** Sends all but what is settled; resolves when the broker has confirmed or refused each. */
  async flush(): Promise<void> {
    const { starts: allStarts, cancels, queries } = this;
    // Made anew, not cleared: see TransientMap.
    if (allStarts.size > 0) this.starts = new Map();
    if (cancels.size > 0) this.cancels = new Map();
    if (queries.size > 0) this.queries = new Map();
    const sent: Promise<unknown>[] = [];
    for (const [incarnation, starts] of allStarts) {
      for (const part of chunks(starts, maxPacked)) sent.push(this.publishStarts(incarnation, part));
    }
    for (const [site, attempts] of cancels) {
      for (const part of chunks(attempts, maxListed))
        sent.push(this.publishList('execution.cancel', routingKeys.cancel(site), part));
    }
    for (const { to, askedAt, attempts } of queries.values()) {
      for (const part of chunks(attempts, maxListed)) sent.push(this.publishList('execution.query', to, part, askedAt));
    }
    await Promise.all(sent);
  }

  private publishList(
    type: MessageType,
    routingKey: string,
    attempts: readonly { readonly project: string }[],
    since?: number,
  ) {
    return this.publish(routingKey, [this.message(type, attempts[0]?.project ?? 'default', { attempts }, since)]);
  }

  /**
   * Sent once, and only where the executor has its queue: so one that comes back as undeliverable is nowhere, and can be sent to
   * another at once. What may have arrived is asked about first. They arrive or come back as a whole: what is too large for
   * one message is cut into halves, until what is too large stands alone.
   */
  private async publishStarts(incarnation: string, starts: readonly OutgoingStart[]): Promise<void> {
    const messages = starts.map(({ start, since }) => this.message('execution.start', start.project, start, since));
    const error = await this.publish(routingKeys.start(incarnation), messages, { mandatory: true, once: true });
    if (error instanceof UnroutableError) for (const { undelivered } of starts) undelivered();
    if (!isTooLarge(error)) return;
    if (starts.length === 1) return starts[0]?.tooLarge();
    const halves = chunks(starts, Math.ceil(starts.length / 2));
    await Promise.all(halves.map((half) => this.publishStarts(incarnation, half)));
  }

  /** Answers why it was not published. */
  private async publish(
    routingKey: string,
    messages: readonly Message[],
    options: PublishOptions = {},
  ): Promise<unknown> {
    const [first, ...rest] = messages;
    if (first === undefined) return undefined;
    try {
      const target = { exchange: exchanges.executions.name, routingKey };
      await this.broker.publish(target, [first, ...rest], { persistent: false, ...options });
      return undefined;
    } catch (error) {
      const what = isTooLarge(error)
        ? 'A command is too large for a message'
        : 'A command was not published; it will be emitted again from the log';
      this.log.warn(what, { routing_key: routingKey, error });
      return error;
    }
  }

  private message(type: MessageType, project: string, data: unknown, since?: number): Message {
    const time = since === undefined ? {} : { time: new Date(since).toISOString() };
    return { id: this.ids.newId(), type, source: this.source, project, ...time, data };
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof PublishError && error.reason === 'too-large';
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: T[][] = [];
  for (let from = 0; from < items.length; from += size) parts.push(items.slice(from, from + size));
  return parts;
}
