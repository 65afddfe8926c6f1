import { randomUUID } from 'node:crypto';
import { exchanges, queues } from '@ryax/contracts';
import type { Channel, Options } from 'amqplib';
import { ownQueueLength, type QueueDeclaration } from '../broker';
import { TopologyError } from '../errors';
import type { Session } from './session';

/** What nobody came to look at must not fill the disk, which would stop every publisher. */
const deadQueueBytes = 1024 * 1024 * 1024;

/** Exchanges, queues and bindings that must exist; declared again over every session. */
export class Topology {
  private readonly declared = new Map<string, QueueDeclaration>();
  private sessionId = '';

  /** Adds to what must exist; answers the names that are new. */
  remember(declarations: readonly QueueDeclaration[]): string[] {
    const added = declarations.map(({ name }) => name).filter((name) => !this.declared.has(name));
    for (const declaration of declarations) this.declared.set(declaration.name, declaration);
    return added;
  }

  /** Answers the kind of the queue that was removed. */
  forget(queue: string): QueueDeclaration['kind'] | undefined {
    const declaration = this.declared.get(queue);
    this.declared.delete(queue);
    return declaration?.kind;
  }

  has(queue: string): boolean {
    return this.declared.has(queue);
  }

  async declare(declarations: readonly QueueDeclaration[], session: Session): Promise<void> {
    await session.probe((channel) => this.declareAll(channel, declarations));
  }

  /** Declares everything over a new session. */
  async open(session: Session): Promise<void> {
    this.sessionId = randomUUID();
    await session.probe(async (channel) => {
      for (const { name, type } of Object.values(exchanges))
        await channel.assertExchange(name, type, { durable: true });
      await declareDead(channel);
      await this.declareAll(channel, [...this.declared.values()]);
    });
  }

  /** Repeats the declaration of one queue, which may have been deleted. */
  async repair(queue: string, session: Session): Promise<void> {
    if (queue === queues.dead) return session.probe(declareDead);
    const declaration = this.declared.get(queue);
    if (declaration) await this.declare([declaration], session);
  }

  /**
   * A queue's name at the broker. An exclusive one gets a new name with each session: replicas may call theirs the
   * same, and after a reconnect the broker may still keep the old one for a connection whose loss it has not noticed,
   * and would refuse it to us for up to three heartbeats.
   */
  brokerName(queue: string): string {
    return this.declared.get(queue)?.kind === 'own' ? `${queue}~${this.sessionId}` : queue;
  }

  private async declareAll(channel: Channel, declarations: readonly QueueDeclaration[]): Promise<void> {
    for (const { name, kind, bindings } of declarations) {
      const brokerName = this.brokerName(name);
      try {
        await channel.assertQueue(brokerName, queueOptions(kind));
        for (const { exchange, routingKey } of bindings) await channel.bindQueue(brokerName, exchange, routingKey);
      } catch (error) {
        throw new TopologyError(name, { cause: error });
      }
    }
  }
}

async function declareDead(channel: Channel): Promise<void> {
  await channel.assertQueue(queues.dead, { durable: true, arguments: { 'x-max-length-bytes': deadQueueBytes } });
  await channel.bindQueue(queues.dead, exchanges.dead.name, '');
}

function queueOptions(kind: QueueDeclaration['kind']): Options.AssertQueue {
  switch (kind) {
    case 'work':
      return { durable: true, deadLetterExchange: exchanges.dead.name };
    case 'partition':
      return {
        durable: true,
        deadLetterExchange: exchanges.dead.name,
        arguments: { 'x-single-active-consumer': true },
      };
    case 'questions':
      return { durable: true };
    case 'own':
      return { durable: false, exclusive: true, maxLength: ownQueueLength, overflow: 'drop-head' };
    default:
      return kind satisfies never;
  }
}
