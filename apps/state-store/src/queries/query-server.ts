import type { Broker, Delivery, Subscription } from '@ryax/broker';
import {
  exchanges,
  limits,
  parsedJsonSchema,
  queries,
  queues,
  routingKeys,
  type DataOf,
  type Message,
  type QueryName,
  type QueryReply,
} from '@ryax/contracts';
import { DatabaseUnavailableError } from '@ryax/event-log';
import type { IdSource, Log, Owner } from '@ryax/platform';
import { checkedHandlers, type Answerer, type QueryHandlers } from './query-handlers';
import { invalid, QueryRejectedError } from './rejection';
import { hasLostItsTables } from '../projections/rebuild';

/** Questions in hand at once, those that wait for something to happen included; what is beyond waits in the queue. */
const inHandLimit = 2_500;
/** Swaps that one query may meet: a rebuild takes longer than any query. */
const mostSwaps = 3;
const replyBytes = limits.messageBytes - 64 * 1024;

export interface QueryServerParts {
  readonly broker: Broker;
  readonly handlers: QueryHandlers;
  readonly owner: Owner;
  readonly ids: IdSource;
  readonly log: Log;
  readonly onAnswered: (name: string, status: QueryReply['status'], seconds: number) => void;
}

/**
 * Answers `query` messages, all that come at once side by side: a large one does not hold up the small ones. A question
 * is acknowledged after its answer, so that one which dies with its replica is answered by another.
 */
export class QueryServer {
  private readonly handlers: Readonly<Record<QueryName, Answerer>>;
  private subscription: Subscription | undefined;

  constructor(private readonly parts: QueryServerParts) {
    this.handlers = checkedHandlers(parts.handlers);
  }

  async start(): Promise<void> {
    const { broker } = this.parts;
    const binding = { exchange: exchanges.queries.name, routingKey: routingKeys.queries };
    await broker.declare([{ name: queues.queries, kind: 'questions', bindings: [binding] }]);
    const bounds = { prefetch: inHandLimit, maxBatch: inHandLimit };
    this.subscription = await broker.consume(queues.queries, bounds, (batch) => this.take(batch));
  }

  /** Resolves when every question in hand has its answer; waits must have been ended before. */
  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  private take(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) {
      const { message } = delivery;
      if (isQuery(message)) this.parts.owner.run('answer to a query', () => this.serve(delivery, message));
      else delivery.park(`Expected a query, found ${message.type}`);
    }
    return Promise.resolve();
  }

  private async serve(delivery: Delivery, query: Message<DataOf<'query'>>): Promise<void> {
    const { name, parameters } = query.data;
    const began = performance.now();
    const reply = await this.replyTo(name, parameters);
    delivery.reply(this.replyMessage(query, reply));
    delivery.ack();
    const known = isQueryName(name) ? name : 'unknown';
    this.parts.onAnswered(known, reply.status, (performance.now() - began) / 1_000);
  }

  private async replyTo(name: string, parameters: unknown): Promise<QueryReply> {
    try {
      if (!isQueryName(name)) throw invalid(`Expected the name of a query, found ${name}`, []);
      return { status: 'answered', result: parsedJsonSchema.parse(await this.answer(name, parameters)) };
    } catch (error) {
      if (error instanceof QueryRejectedError) return { status: 'rejected', rejection: error.rejection };
      const level = error instanceof DatabaseUnavailableError ? 'warn' : 'error';
      this.parts.log[level]('A query failed', { query: name, error });
      return { status: 'rejected', rejection: { code: 'unavailable', message: `${name} could not be answered now` } };
    }
  }

  /** A query that is under way when the read models are swapped loses its tables, and finds those of the same name. */
  private async answer(name: QueryName, parameters: unknown): Promise<unknown> {
    for (let swaps = 0; ; swaps++) {
      try {
        return await this.handlers[name](parameters);
      } catch (error) {
        if (!hasLostItsTables(error) || swaps === mostSwaps) throw error;
      }
    }
  }

  private replyMessage(query: Message, reply: QueryReply): Message<QueryReply> {
    const head = {
      id: this.parts.ids.newId(),
      type: 'query.reply' as const,
      source: 'ryax/state-store',
      project: query.project,
      ...(query.traceparent === undefined ? {} : { traceparent: query.traceparent }),
    };
    const bytes = Buffer.byteLength(JSON.stringify(reply));
    if (bytes <= replyBytes) return { ...head, data: reply };
    const message = `Expected an answer of at most ${replyBytes} bytes, found ${bytes}: ask for a smaller page`;
    return { ...head, data: { status: 'rejected', rejection: { code: 'too-large', message } } };
  }
}

function isQueryName(name: string): name is QueryName {
  return Object.hasOwn(queries, name);
}

/** The broker's border has checked the data against its type's schema. */
function isQuery(message: Message): message is Message<DataOf<'query'>> {
  return message.type === 'query';
}
