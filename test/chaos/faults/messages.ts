import { exchanges, queues, routingKeys } from '@ryax/contracts';
import { answerWithin } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { connect, type ChannelModel, type ConsumeMessage, type Options } from 'amqplib';
import { partitions } from '../cluster';
import { Random } from '../random';
import { NotPossibleError, type Inject } from './ongoing';

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
    await leave(connection);
    if (heard.length === 0) throw new NotPossibleError('nothing was said meanwhile');
    await sayAgain(cluster.broker.url, new Random(order).shuffled(heard));
  };
};

const farewellMs = 5_000;
/** Of the runners' inbox, at a time. */
const partitionsHeld = 4;

/**
 * Takes the way to some partitions of the runners' inbox away and goes it itself: keeps what comes, and delivers it in another
 * order once the way is given back.
 */
export const delay: Inject<'delay'> = async (cluster, { order }) => {
  const random = new Random(order);
  const held: ConsumeMessage[] = [];
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const ways = random.shuffled(numbers).slice(0, partitionsHeld).map(wayTo);
  const connection = await open(cluster.broker.url);
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.consume(queue, (message) => message && held.push(message), { noAck: true });
  for (const way of ways) {
    await channel.bindQueue(queue, exchanges.runner.name, way.routingKey);
    await channel.unbindQueue(way.queue, exchanges.runner.name, way.routingKey);
  }
  return async () => {
    await giveBack(cluster.broker.url, ways);
    await leave(connection);
    if (held.length === 0) throw new NotPossibleError('nothing was said meanwhile');
    await sayAgain(cluster.broker.url, random.shuffled(held));
  };
};

interface Way {
  readonly queue: string;
  readonly routingKey: string;
}

function wayTo(partition: number): Way {
  return { queue: queues.runnerPartition(partitions, partition), routingKey: routingKeys.runnerPartition(partition) };
}

/** A queue that was deleted meanwhile is bound by whoever declares it again. */
async function giveBack(url: string, ways: readonly Way[]): Promise<void> {
  const isGone = (error: unknown) => error instanceof Error && error.message.includes('NOT_FOUND');
  for (const way of ways) {
    await waitFor(() => bind(url, way).catch((error: unknown) => isGone(error) || Promise.reject(error as Error)), {
      timeoutMs: 120_000,
      intervalMs: 500,
      describe: `${way.queue} to be bound again`,
    });
  }
}

async function bind(url: string, { queue, routingKey }: Way): Promise<true> {
  const connection = await open(url);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    await channel.bindQueue(queue, exchanges.runner.name, routingKey);
    return true;
  } finally {
    await leave(connection);
  }
}

/** The broker may be away at the moment. */
async function open(url: string): Promise<ChannelModel> {
  const connection = await waitFor(() => connect(url), { timeoutMs: 60_000, describe: 'the broker to be reached' });
  connection.on('error', () => undefined);
  return connection;
}

/** A broker that is killed meanwhile never answers a farewell. */
async function leave(connection: ChannelModel): Promise<void> {
  await answerWithin(farewellMs, () => connection.close()).catch(() => undefined);
}

/** The broker may go while it is being said: then all of it is said once more. */
async function sayAgain(url: string, messages: readonly ConsumeMessage[]): Promise<void> {
  await waitFor(() => say(url, messages), { timeoutMs: 120_000, intervalMs: 500, describe: 'messages to be sent' });
}

async function say(url: string, messages: readonly ConsumeMessage[]): Promise<true> {
  const connection = await open(url);
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    for (const { fields, content, properties } of messages) {
      channel.publish(fields.exchange, fields.routingKey, content, propertiesOf(properties));
    }
    await channel.waitForConfirms();
    return true;
  } finally {
    await leave(connection);
  }
}

/** As it was published; an answer that is wanted goes to whoever asked. */
function propertiesOf({ contentType, headers, deliveryMode, replyTo, correlationId }: ConsumeMessage['properties']) {
  const all = { contentType, headers, deliveryMode, replyTo, correlationId };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Options.Publish;
}
