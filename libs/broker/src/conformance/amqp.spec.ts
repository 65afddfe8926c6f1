import { randomUUID } from 'node:crypto';
import { queues } from '@ryax/contracts';
import { Log } from '@ryax/platform';
import { startProxy, through, useTestBroker, waitFor, type Proxy } from '@ryax/testing';
import { connect, type ChannelModel, type ConfirmChannel, type GetMessage } from 'amqplib';
import { AmqpBroker } from '../amqp/amqp-broker';
import { parkHeaders } from '../amqp/wire-properties';
import { describeConsuming } from './consuming.contract';
import { describeDeadLetters } from './dead-letters.contract';
import { describePoison } from './poison.contract';
import { describePublishing } from './publishing.contract';
import { describeRecovery } from './recovery.contract';
import { describeRequests } from './requests.contract';
import type { BrokerSubject, Parked } from './subject';

describe.each([
  ['classic', useTestBroker],
  ['quorum', useQuorumBroker],
])('AmqpBroker, with %s queues', (_type, useHost) => {
  // Before the virtual host goes, and its connections with it.
  afterAll(() => operator.close());
  const host = useHost();
  const log = new Log({ service: 'test', write: () => undefined });
  let operator: ChannelModel;
  let channel: ConfirmChannel;
  const clients: { readonly broker: AmqpBroker; readonly proxy: Proxy }[] = [];

  beforeAll(async () => {
    operator = await connect(host.url);
    channel = await operator.createConfirmChannel();
  });
  afterEach(async () => {
    // Nobody waits for what a test holds unsettled.
    await Promise.all(clients.map(({ proxy }) => proxy.close()));
    await waitFor(() => clients.every(({ broker }) => !broker.connected));
    await Promise.all(clients.splice(0).map(({ broker }) => broker.close()));
  });

  const subject: BrokerSubject = {
    connect: async (options = {}) => {
      const proxy = await startProxy(host.url);
      const url = through(proxy, host.url);
      const broker = new AmqpBroker({ url, name: 'test', log, publishTimeoutMs: 30_000, ...options });
      clients.push({ broker, proxy });
      await new Promise<void>((resolve) => broker.onConnected(resolve));
      const cut = async () => {
        await proxy.close();
        await waitFor(() => !broker.connected);
      };
      return { broker, drop: () => proxy.cut(), cut, restore: () => proxy.open() };
    },
    publishRaw: async ({ exchange, routingKey }, { contentType, headers, content }) => {
      channel.publish(exchange, routingKey, content, { contentType, headers, persistent: true });
      await channel.waitForConfirms();
    },
    takeParked: async (count) => {
      const taken: Parked[] = [];
      const take = async () => {
        for (let next = await get(); next; next = await get()) taken.push(parkedOf(next));
        return taken.length >= count;
      };
      const get = () => channel.get(queues.dead, { noAck: true });
      await waitFor(take, { describe: 'parked messages' });
      return taken;
    },
    deleteQueue: async (queue) => {
      await channel.deleteQueue(queue);
    },
    purgeQueue: async (queue) => {
      await channel.purgeQueue(queue);
    },
  };

  describeConsuming(subject);
  describePoison(subject);
  describeDeadLetters(subject);
  describePublishing(subject);
  describeRecovery(subject);
  describeRequests(subject);
});

/** Ours say why in headers of ours; what the broker itself has expelled, in those of its dead-lettering. */
function parkedOf({ content, properties }: GetMessage): Parked {
  const headers = properties.headers ?? {};
  const [death] = headers['x-death'] ?? [];
  return {
    reason: String(headers[parkHeaders.reason] ?? death?.reason),
    queue: String(headers[parkHeaders.queue] ?? death?.queue),
    tries: Number(headers[parkHeaders.tries] ?? 0),
    wire: { contentType: String(properties.contentType), headers, content },
  };
}

/** A virtual host whose operator has chosen quorum queues, as one does on a cluster: we declare no type of our own. */
function useQuorumBroker(): { readonly url: string } {
  const name = `test-quorum-${randomUUID()}`;
  const { origin, username, password } = new URL(process.env.RYAX_TEST_BROKER_MANAGEMENT ?? '');
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const response = await fetch(`${origin}/api/${path}`, {
      method,
      headers,
      body: body ? JSON.stringify(body) : null,
    });
    if (!response.ok) throw new Error(`Expected ${method} ${path} to succeed, found ${response.status}`);
  };
  beforeAll(async () => {
    await call('PUT', `vhosts/${name}`, { defaultqueuetype: 'quorum' });
    await call('PUT', `permissions/${name}/${username}`, { configure: '.*', write: '.*', read: '.*' });
  });
  afterAll(() => call('DELETE', `vhosts/${name}`));
  return { url: `${process.env.RYAX_TEST_BROKER}/${name}` };
}
