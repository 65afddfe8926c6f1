import type { ExchangeName, Message } from '@ryax/contracts';

/** Messages that an `own` queue keeps: a reader that cannot keep up loses what it could not use any more. */
export const ownQueueLength = 10_000;
/** How long a subscription that stops waits for what it has handed out. */
export const defaultGraceMs = 5_000;

/**
 * The transport between services. Two implementations, AMQP 0-9-1 and in-memory, pass one conformance suite. Delivery
 * is at least once; messages with one routing key published by one connection arrive in order at a queue.
 */
export interface Broker {
  /**
   * Declares exchanges (all of `@ryax/contracts`), queues and bindings. Idempotent, remembered, and repeated on every
   * reconnect: a purged, deleted or expired queue tells nobody.
   */
  declare(queues: readonly QueueDeclaration[]): Promise<void>;
  /** Removes a queue from what is declared, and deletes it where it is exclusive to us. */
  forget(queue: string): Promise<void>;
  /**
   * Publishes one broker message with one or more messages in it (packed, for our own services). Resolves when the
   * broker has confirmed it; rejects with a {@link PublishError} when it may be lost. Never waits to fill a batch.
   * What does not fit into one becomes several, and a rejection does not say which; unless it is to be sent once.
   */
  publish(target: Target, messages: readonly [Message, ...Message[]], options?: PublishOptions): Promise<void>;
  /** Publishes with a reply address and waits for the answer. Rejects with a RequestTimeoutError. */
  request(target: Target, message: Message, timeoutMs: number): Promise<Message>;
  /**
   * Consumes a queue in batches: the handler gets all that is waiting, up to the limits, one batch at a time per
   * subscription, and each delivery must be settled. Survives reconnects; deliveries of a lost channel settle as no-ops
   * and come again.
   */
  consume(queue: string, options: ConsumeOptions, handler: BatchHandler): Promise<Subscription>;
  /** Called after each (re)connect once the topology is declared again; first connect included. */
  onConnected(listener: () => void): void;
  readonly connected: boolean;
  /** Messages waiting in a queue, or undefined when it does not exist or the broker cannot be asked. */
  depth(queue: string): Promise<number | undefined>;
  close(): Promise<void>;
}

export interface Target {
  /** A named exchange, or '' to address a queue directly by its name. */
  readonly exchange: ExchangeName | '';
  readonly routingKey: string;
}

export interface QueueDeclaration {
  readonly name: string;
  readonly bindings: readonly Target[];
  /**
   * - `work`: durable, shared by replicas, dead-letters into `ryax.dead`
   * - `partition`: the same with a single active consumer
   * - `questions`: shared by replicas; a request whose asker has given up is dropped, not kept
   * - `own`: exclusive to this connection, transient, bounded in length (oldest dropped); reached by its bindings only
   */
  readonly kind: 'work' | 'partition' | 'questions' | 'own';
}

export interface PublishOptions {
  /** Default true. Transient messages do not survive a restart of the broker. */
  readonly persistent?: boolean;
  /** Default false. True: rejects with an UnroutableError when no queue is bound. */
  readonly mandatory?: boolean;
  /**
   * Default false: what is unconfirmed when the connection is lost is sent again, so that it may arrive twice. True: it is not, and
   * rejects with a {@link PublishError}, although it may have arrived. So it goes as one broker message, or, where it does not fit
   * into one, not at all (`too-large`).
   */
  readonly once?: boolean;
}

export interface ConsumeOptions {
  /** Broker messages held unsettled at once, packed or single: the bound of what a consumer keeps in memory. */
  readonly prefetch: number;
  /** Largest batch, in messages (items of packed messages count singly). */
  readonly maxBatch: number;
  /** Failed tries of one message before it is parked in `ryax.dead`; default 5. */
  readonly maxTries?: number;
}

/**
 * One message of a batch. Items of a packed broker message are settled singly; it is acknowledged after its last. Only
 * the first settlement counts, and settling what was delivered over a lost connection does nothing: it comes again.
 */
export interface Delivery {
  readonly message: Message;
  /** It may have been handled before, here or elsewhere. False promises nothing: anything may arrive twice. */
  readonly redelivered: boolean;
  /** Where an answer is wanted, if it is. */
  readonly replyTo: string | undefined;
  readonly correlationId: string | undefined;
  /** The effect is durable. */
  ack(): void;
  /** It failed: try again, at once and then with growing pauses; parked after `maxTries`. */
  retry(reason: string): void;
  /** We cannot work now, whatever the message is: all of the subscription pauses, and nothing is counted against it. */
  defer(reason: string): void;
  /** Can never be handled: to `ryax.dead` with the reason. */
  park(reason: string): void;
  /** Answers the asker: transient, unconfirmed, dropped when nobody waits for it. */
  reply(message: Message): void;
}

/**
 * Takes a batch. When its promise resolves, the next batch is handed out; deliveries may be settled later, up to the
 * prefetch. When it rejects, what it has not settled is tried again in halves, and what fails alone `maxTries` times is
 * parked; a {@link HandlerUnavailableError} defers instead.
 */
export type BatchHandler = (batch: readonly Delivery[]) => Promise<void>;

/** A message that could not be handled, as it came, whether or not it is one of ours; and why. */
export interface DeadLetter {
  readonly reason: string;
  /** The queue that it was in. */
  readonly queue: string;
  /** Failed tries. */
  readonly tries: number;
  /** How it was published; the exchange is '' for what was sent to its queue directly. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
}

/** The queue of what was parked. Who reads it keeps it: only one service does. */
export interface DeadLetterQueue {
  /**
   * Takes what is parked out of `ryax.dead`, in order. What the handler has resolved for is gone from there; what it rejects
   * for, or dies with, comes again: it must know what it has seen by {@link DeadLetter}'s content.
   */
  takeDeadLetters(handler: DeadLetterHandler): Promise<Subscription>;
  /**
   * Publishes a parked message as it came, to the exchange and routing key that it came by. Resolves when the broker has
   * confirmed it; rejects with an UnroutableError when no queue is bound there any more.
   */
  replay(letter: DeadLetter): Promise<void>;
}

export type DeadLetterHandler = (letters: readonly DeadLetter[]) => Promise<void>;

export interface Subscription {
  /**
   * Stops taking; resolves when what was handed out is settled, or after the grace period (default 5 s). What is
   * unsettled then, and what was not handed out, goes back to the queue.
   */
  stop(graceMs?: number): Promise<void>;
}
