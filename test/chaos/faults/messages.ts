import { exchanges, queues, routingKeys } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import { connect, type ChannelModel, type ConsumeMessage, type Options } from 'amqplib';
import { partitions } from '../cluster';
import { Random } from '../random';
import type { Inject } from './ongoing';

/**
 * Listens beside the engine to all that its services say to each other, and then says it again: late, and in another order.
 * The engine must take a copy for what it is.
 */
export const duplicate: Inject<'duplicate'> = async (cluster, { order }) => {
  const heard: ConsumeMessage[] = [];
  const connection = await open(cluster.broker.url);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, exchanges.executions.name, '#');
  for (let partition = 0; partition < partitions; partition++) {
    await channel.bindQueue(queue, exchanges.runner.name, routingKeys.runnerPartition(partition));
  }
  await channel.consume(queue, (message) => message && heard.push(message), { noAck: true });
  return async () => {
    await connection.close().catch(() => undefined);
    await sayAgain(cluster.broker.url, new Random(order).shuffled(heard));
  };
};

const mostHeld = 20;

/**
 * Takes starts from the executors' queue as another executor would, keeps them, and gives them back in another order. Where the
 * connection is lost meanwhile, the broker gives them back.
 */
export const delay: Inject<'delay'> = async (cluster, { order }) => {
  const held: ConsumeMessage[] = [];
  const connection = await open(cluster.broker.url);
  const channel = await connection.createChannel();
  await channel.prefetch(mostHeld);
  await channel.consume(queues.starts('local', 'default'), (message) => message && held.push(message));
  return async () => {
    const isAlive = await channel.prefetch(mostHeld).then(
      () => true,
      () => false,
    );
    if (isAlive) {
      await sayAgain(cluster.broker.url, new Random(order).shuffled(held));
      for (const message of held) channel.ack(message);
    }
    await connection.close().catch(() => undefined);
  };
};

/** The broker may be away at the moment. */
async function open(url: string): Promise<ChannelModel> {
  const connection = await waitFor(() => connect(url), { timeoutMs: 60_000, describe: 'the broker to be reached' });
  connection.on('error', () => undefined);
  return connection;
}

async function sayAgain(url: string, messages: readonly ConsumeMessage[]): Promise<void> {
  const connection = await open(url);
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => undefined);
  for (const { fields, content, properties } of messages) {
    channel.publish(fields.exchange, fields.routingKey, content, propertiesOf(properties));
  }
  // Some may be lost with the broker, as any message may.
  await channel.waitForConfirms().catch(() => undefined);
  await connection.close().catch(() => undefined);
}

/** As it was published; an answer that is wanted goes to whoever asked. */
function propertiesOf({ contentType, headers, deliveryMode, replyTo, correlationId }: ConsumeMessage['properties']) {
  const all = { contentType, headers, deliveryMode, replyTo, correlationId };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Options.Publish;
}
