import { exchanges, type Message } from '@ryax/contracts';
import type { BatchHandler, Broker, DeadLetterQueue, Delivery, QueueDeclaration, Target } from '../broker';
import type { Wire } from '../cloud-events/wire';

/** What a conformance test does to a broker: an implementation, and the hands to break it. */
export interface BrokerSubject {
  /** A broker with a connection of its own, closed after the test. */
  connect(options?: { readonly publishTimeoutMs?: number }): Promise<Client>;
  /** Publishes what no broker of ours would. */
  publishRaw(target: Target, wire: Wire): Promise<void>;
  /** Takes what is in `ryax.dead`, once so much is there. */
  takeParked(count: number): Promise<Parked[]>;
  /** From outside, as an operator would. */
  deleteQueue(queue: string): Promise<void>;
  purgeQueue(queue: string): Promise<void>;
}

export interface Client {
  readonly broker: Broker & DeadLetterQueue;
  /** The connection breaks; it can be made again at once. */
  drop(): void;
  /** The line is down until it is restored: for the server, the process is gone. */
  cut(): Promise<void>;
  restore(): Promise<void>;
}

export interface Parked {
  readonly reason: string;
  readonly queue: string;
  readonly tries: number;
  readonly wire: Wire;
}

// ---- Words of the tests -----------------------------------------------------------------------------------------

let messages = 0;

/** A message that says only its number. */
export function message(position: number, id = `m${messages++}`): Message {
  return { id, type: 'log.wake', source: 'conformance', project: 'default', data: { position } };
}

export function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

export function positionOf({ data }: Message): number {
  return (data as { position: number }).position;
}

/** A queue of the given kind with one key on the direct exchange, under names that no other test uses. */
export function queueOf(kind: QueueDeclaration['kind']): { queue: QueueDeclaration; target: Target } {
  const name = `conformance.${kind}.${messages++}`;
  const target: Target = { exchange: exchanges.runner.name, routingKey: name };
  return { queue: { name, kind, bindings: [target] }, target };
}

/** A consumer that remembers what it was given, and settles each delivery as told; by default it acknowledges. */
export class Recorder {
  readonly deliveries: Delivery[] = [];
  readonly batches: number[][] = [];
  private readonly watchers: { readonly isMet: () => boolean; readonly met: () => void }[] = [];

  constructor(private readonly settle: (delivery: Delivery) => void = (delivery) => delivery.ack()) {}

  get positions(): number[] {
    return this.deliveries.map(({ message: each }) => positionOf(each));
  }

  readonly handler: BatchHandler = (batch) => {
    this.deliveries.push(...batch);
    this.batches.push(batch.map(({ message: each }) => positionOf(each)));
    for (const delivery of batch) this.settle(delivery);
    for (const { isMet, met } of this.watchers) if (isMet()) met();
    return Promise.resolve();
  };

  /** Resolves when so many deliveries have come. */
  async received(count: number): Promise<void> {
    await this.until(() => this.deliveries.length >= count);
  }

  async until(isMet: () => boolean): Promise<void> {
    if (!isMet()) await new Promise<void>((met) => this.watchers.push({ isMet, met }));
  }
}

export const hold = (): void => undefined;

export const plenty = { prefetch: 1_000, maxBatch: 1_000 } as const;

/** Publishes each number as a message of its own, in order. */
export async function publishEach(broker: Broker, target: Target, positions: readonly number[]): Promise<void> {
  await Promise.all(positions.map((position) => broker.publish(target, [message(position)])));
}

/** Publishes all numbers in one broker message. */
export async function publishPacked(
  broker: Broker,
  target: Target,
  [first, ...rest]: readonly number[],
): Promise<void> {
  if (first === undefined) return;
  await broker.publish(target, [message(first), ...rest.map((position) => message(position))]);
}

/** Lets everything else that is due have its turn. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
