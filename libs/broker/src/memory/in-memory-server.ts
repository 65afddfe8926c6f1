import { exchanges, queues, type ExchangeName } from '@ryax/contracts';
import { ownQueueLength, type QueueDeclaration, type Target } from '../broker';
import { TopologyError } from '../errors';
import { MemoryQueue, type Entry, type ParkedFrom, type Published, type QueueConsumer } from './memory-queue';
import { matchesTopic } from './topic';

export interface InMemoryServerOptions {
  /**
   * For tests: messages are checked against their schemas and measured, as where they cross between processes, and frozen, so that
   * whoever writes to one fails. Otherwise they are trusted, as any argument of a call in one process is.
   */
  readonly strict?: boolean;
}

/** Parked messages are for looking at; in memory the newest are enough. */
const deadQueueLength = 10_000;
/** Routes remembered per exchange; keys with an id in them would otherwise gather for ever. */
const maxRoutes = 10_000;

interface Binding {
  readonly routingKey: string;
  readonly queue: MemoryQueue;
}

/** A connection, as the server sees it: where answers go, and what a restart cuts. */
export interface MemoryConnection {
  answered(correlationId: string, reply: Published): void;
  dropConnection(): void;
}

/**
 * What RabbitMQ is to an {@link AmqpBroker}: exchanges and queues, here in this process's memory and shared by the
 * brokers that are given it. Messages are passed by reference; delivery is asynchronous, once per turn of the event loop,
 * so that nobody is called back from inside a publish and input and output get their turn.
 */
export class InMemoryServer {
  private readonly queues = new Map<string, MemoryQueue>();
  private readonly bindings = new Map<string, Binding[]>();
  private readonly routes = new Map<string, Map<string, readonly MemoryQueue[]>>();
  private readonly connections = new Map<string, MemoryConnection>();
  private readonly changed = new Set<MemoryQueue>();
  private scheduled = false;
  private connectionCount = 0;

  constructor(readonly options: InMemoryServerOptions = {}) {
    this.declareDead();
  }

  // ---- For brokers ------------------------------------------------------------------------------------------------

  connect(connection: MemoryConnection): string {
    const id = `c${++this.connectionCount}`;
    this.connections.set(id, connection);
    return id;
  }

  disconnect(id: string): void {
    this.connections.delete(id);
  }

  declare(name: string, { kind, bindings }: QueueDeclaration): void {
    const existing = this.queues.get(name);
    if (existing && existing.bound.kind !== kind) {
      throw new TopologyError(name, { cause: new Error(`it exists as ${existing.bound.kind}, not ${kind}`) });
    }
    if (existing) this.bind(existing, bindings);
    else this.addQueue(name, kind, kind === 'own' ? ownQueueLength : Infinity, bindings);
  }

  declareDead(): void {
    if (this.queues.has(queues.dead)) return;
    this.addQueue(queues.dead, 'work', deadQueueLength, [{ exchange: exchanges.dead.name, routingKey: '' }]);
  }

  /** Answers the number of queues that took it. */
  publish(published: Published): number {
    const targets = this.route(published.exchange, published.routingKey);
    for (const queue of targets) {
      queue.push(published);
      this.schedule(queue);
    }
    return targets.length;
  }

  park(published: Published, parked: ParkedFrom): void {
    // It may have been deleted.
    this.declareDead();
    const { replyTo: _replyTo, expiresAt: _expiresAt, ...kept } = published;
    this.publish({ ...kept, persistent: true, exchange: exchanges.dead.name, routingKey: parked.routingKey, parked });
  }

  answer(replyTo: string, correlationId: string, reply: Published): void {
    this.connections.get(replyTo)?.answered(correlationId, reply);
  }

  subscribe(name: string, consumer: QueueConsumer): MemoryQueue {
    const queue = this.queues.get(name);
    if (!queue) throw new TopologyError(name, { cause: new Error('it does not exist') });
    queue.subscribe(consumer);
    this.schedule(queue);
    return queue;
  }

  /** Something is ready in the queue, or one of its consumers has room. */
  schedule(queue: MemoryQueue): void {
    this.changed.add(queue);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      const changed = [...this.changed];
      this.changed.clear();
      for (const each of changed) each.dispatch();
    });
  }

  depth(name: string): number | undefined {
    return this.queues.get(name)?.length;
  }

  deleteQueue(name: string): void {
    const queue = this.queues.get(name);
    if (!queue) return;
    this.queues.delete(name);
    for (const [exchange, bindings] of this.bindings) {
      this.bindings.set(
        exchange,
        bindings.filter((binding) => binding.queue !== queue),
      );
    }
    this.routes.clear();
    queue.delete();
  }

  // ---- For tests and for looking at it ----------------------------------------------------------------------------

  purge(name: string): void {
    this.queues.get(name)?.purge();
  }

  /** The queues that are called so: each connection's, where it is an own queue. */
  queueNames(queue: string): string[] {
    return [...this.queues.keys()].filter((name) => name === queue || name.startsWith(`${queue}~`));
  }

  /** Takes out what is parked. */
  takeParked(): readonly Published[] {
    return (this.queues.get(queues.dead)?.purge() ?? []).map(({ published }) => published);
  }

  /** Fault injection: connections are cut, transient messages and exclusive queues are gone. */
  restart(): void {
    for (const connection of this.connections.values()) connection.dropConnection();
    for (const queue of this.queues.values()) queue.dropTransient();
  }

  // ---- Routing ----------------------------------------------------------------------------------------------------

  private addQueue(name: string, kind: QueueDeclaration['kind'], maxLength: number, bindings: readonly Target[]): void {
    const queue = new MemoryQueue(name, { kind, maxLength }, (entry) => this.expired(entry, name, kind));
    this.queues.set(name, queue);
    this.bind(queue, bindings);
  }

  private bind(queue: MemoryQueue, targets: readonly Target[]): void {
    for (const { exchange, routingKey } of targets) {
      const bindings = this.bindings.get(exchange) ?? [];
      if (bindings.some((binding) => binding.queue === queue && binding.routingKey === routingKey)) continue;
      this.bindings.set(exchange, [...bindings, { routingKey, queue }]);
    }
    this.routes.clear();
  }

  private route(exchange: string, key: string): readonly MemoryQueue[] {
    const known = this.routes.get(exchange) ?? new Map<string, readonly MemoryQueue[]>();
    const route = known.get(key);
    if (route) return route;
    const found = this.findRoute(exchange, key);
    if (known.size >= maxRoutes) known.clear();
    this.routes.set(exchange, known.set(key, found));
    return found;
  }

  private findRoute(exchange: string, key: string): readonly MemoryQueue[] {
    if (exchange === '') {
      const queue = this.queues.get(key);
      return queue ? [queue] : [];
    }
    const matching = (this.bindings.get(exchange) ?? []).filter(({ routingKey }) => {
      switch (exchangeTypes.get(exchange)) {
        case 'fanout':
          return true;
        case 'topic':
          return matchesTopic(routingKey, key);
        default:
          return routingKey === key;
      }
    });
    return [...new Set(matching.map(({ queue }) => queue))];
  }

  /** As RabbitMQ dead-letters it; of a question whose asker has given up nothing is kept. */
  private expired({ published }: Entry, queue: string, kind: QueueDeclaration['kind']): void {
    if (kind === 'questions' || kind === 'own') return;
    const { exchange, routingKey, tries } = published;
    this.park(published, { reason: 'expired', queue, tries, exchange, routingKey });
  }
}

const exchangeTypes: ReadonlyMap<string, string> = new Map<ExchangeName, string>(
  Object.values(exchanges).map(({ name, type }) => [name, type]),
);
