import type { Broker } from '@ryax/broker';
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

/** Starts in one message at most, so that no message outgrows the broker's limit. */
const maxPacked = 50;
/** Attempts named in one cancel, query or settled message. */
const maxListed = 500;
/** Nobody waits for `settled`: an executor only keeps an outcome a little longer, and would say it again after seconds. */
const settledRestMs = 50;

type SettledAttempt = Omit<Attempt, 'reply_partition'>;
type CancelledAttempt = Cancel['attempts'][number];

/**
 * What is to be sent after a commit, packed by destination. Commands are derived from state and are repeated from the
 * log, so a message that is lost here costs time, never work: failures are logged, not raised.
 */
export class Outbox {
  private readonly starts = new Map<string, { site: string; pool: string; executors: number; starts: Start[] }>();
  private readonly cancels = new Map<string, CancelledAttempt[]>();
  private readonly queries = new Map<string, Attempt[]>();
  private readonly settled = new Map<string, SettledAttempt[]>();
  private settledTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly ids: IdSource,
    private readonly log: Log,
    private readonly source: string,
  ) {}

  /** @param executors how many could take it: starts are packed only as far as none of them hoards what another could run */
  start(site: string, pool: string, executors: number, start: Start): void {
    const key = routingKeys.start(site, pool);
    const entry = this.starts.get(key) ?? { site, pool, executors, starts: [] };
    entry.starts.push(start);
    this.starts.set(key, entry);
  }

  cancel(site: string, attempt: CancelledAttempt): void {
    append(this.cancels, site, attempt);
  }

  query(site: string, attempt: Attempt): void {
    append(this.queries, site, attempt);
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
    const sent: Promise<void>[] = [];
    for (const [incarnation, attempts] of this.settled) {
      for (const part of chunks(attempts, maxListed)) {
        sent.push(this.publishList('execution.settled', routingKeys.executor(incarnation), part));
      }
    }
    this.settled.clear();
    await Promise.all(sent);
  }

  /** Sends all but what is settled; resolves when the broker has confirmed or refused each. */
  async flush(): Promise<void> {
    const sent: Promise<void>[] = [];
    for (const { site, pool, executors, starts } of this.starts.values()) {
      const size = Math.min(maxPacked, Math.max(1, Math.ceil(starts.length / Math.max(1, executors))));
      for (const part of chunks(starts, size)) {
        sent.push(
          this.publish(
            routingKeys.start(site, pool),
            part.map((start) => this.message('execution.start', start.project, start)),
          ),
        );
      }
    }
    for (const [site, attempts] of this.cancels) {
      for (const part of chunks(attempts, maxListed))
        sent.push(this.publishList('execution.cancel', routingKeys.cancel(site), part));
    }
    for (const [site, attempts] of this.queries) {
      for (const part of chunks(attempts, maxListed))
        sent.push(this.publishList('execution.query', routingKeys.query(site), part));
    }
    this.starts.clear();
    this.cancels.clear();
    this.queries.clear();
    await Promise.all(sent);
  }

  private publishList(type: MessageType, routingKey: string, attempts: readonly { readonly project: string }[]) {
    return this.publish(routingKey, [this.message(type, attempts[0]?.project ?? 'default', { attempts })]);
  }

  private async publish(routingKey: string, messages: readonly Message[]): Promise<void> {
    const [first, ...rest] = messages;
    if (first === undefined) return;
    try {
      await this.broker.publish({ exchange: exchanges.executions.name, routingKey }, [first, ...rest], {
        persistent: false,
      });
    } catch (error) {
      this.log.warn('A command was not published; it will be emitted again from the log', {
        routing_key: routingKey,
        error,
      });
    }
  }

  private message(type: MessageType, project: string, data: unknown): Message {
    return { id: this.ids.newId(), type, source: this.source, project, data };
  }
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
