import { Log } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { decode } from '../cloud-events/decode';
import { encodeOne } from '../cloud-events/encode';
import type { Wire } from '../cloud-events/wire';
import { InMemoryBroker } from '../memory/in-memory-broker';
import { InMemoryServer } from '../memory/in-memory-server';
import type { Published } from '../memory/memory-queue';
import { describeConsuming } from './consuming.contract';
import { describeDeadLetters } from './dead-letters.contract';
import { describePoison } from './poison.contract';
import { describePublishing } from './publishing.contract';
import { describeRecovery } from './recovery.contract';
import { describeRequests } from './requests.contract';
import { message, plenty, publishEach, queueOf, Recorder, type BrokerSubject, type Parked } from './subject';

describe('InMemoryBroker', () => {
  const log = new Log({ service: 'test', write: () => undefined });
  let server: InMemoryServer;
  let brokers: InMemoryBroker[];
  beforeEach(() => {
    server = new InMemoryServer({ strict: true });
    brokers = [];
  });
  afterEach(async () => {
    // Nobody waits for what a test holds unsettled.
    for (const broker of brokers) broker.cutConnection();
    await Promise.all(brokers.map((broker) => broker.close()));
  });

  const subject: BrokerSubject = {
    connect: (options = {}) => {
      const broker = new InMemoryBroker({ server, log, ...options });
      brokers.push(broker);
      return Promise.resolve({
        broker,
        drop: () => broker.dropConnection(),
        cut: () => Promise.resolve(broker.cutConnection()),
        restore: () => Promise.resolve(broker.restoreConnection()),
      });
    },
    publishRaw: (target, wire) => {
      server.publish({ ...target, items: decode(wire), persistent: true, tries: 0 });
      return Promise.resolve();
    },
    takeParked: async (count) => {
      const taken: Parked[] = [];
      await waitFor(() => taken.push(...server.takeParked().map(parkedOf)) >= count, { describe: 'parked messages' });
      return taken;
    },
    deleteQueue: (queue) => Promise.resolve(server.queueNames(queue).forEach((name) => server.deleteQueue(name))),
    purgeQueue: (queue) => Promise.resolve(server.purge(queue)),
  };

  describeConsuming(subject);
  describePoison(subject);
  describeDeadLetters(subject);
  describePublishing(subject);
  describeRecovery(subject);
  describeRequests(subject);

  it('keeps what is persistent over a restart, and only that', async () => {
    const { broker } = await subject.connect();
    const { queue, target } = queueOf('work');
    await broker.declare([queue]);
    await publishEach(broker, target, [0]);
    await broker.publish(target, [message(1)], { persistent: false });

    server.restart();
    const recorder = new Recorder();
    await broker.consume(queue.name, plenty, recorder.handler);
    await publishEach(broker, target, [2]);
    await recorder.received(2);

    expect(recorder.positions).toEqual([0, 2]);
  });

  it('passes data by reference: writing to it throws where the server is strict', async () => {
    const { broker } = await subject.connect();
    const { queue, target } = queueOf('work');
    await broker.declare([queue]);
    const recorder = new Recorder();
    await broker.consume(queue.name, plenty, recorder.handler);
    await publishEach(broker, target, [0]);
    await recorder.received(1);

    const data = recorder.deliveries[0]?.message.data as { position: number };
    expect(() => (data.position = 1)).toThrow(TypeError);
  });
});

function parkedOf({ parked, items: [item] }: Published): Parked {
  if (!parked || !item) throw new Error('Expected a parked message with one item');
  const wire: Wire = item.type === 'malformed' ? item.wire : encodeOne(item.message, { exchange: '', routingKey: '' });
  const { reason, queue, tries } = parked;
  return { reason, queue, tries, wire };
}
