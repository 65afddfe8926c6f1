import { Log } from '@ryax/platform';
import { useBreakableBroker, useProxy, useTestBroker, waitFor } from '@ryax/testing';
import { message, numbers, plenty, publishEach, queueOf, Recorder } from '../conformance/subject';
import { AmqpBroker } from './amqp-broker';

const log = new Log({ service: 'test', write: () => undefined });

/** Longer than a restart of RabbitMQ on a busy machine. */
const patienceMs = 120_000;

describe('AmqpBroker, while RabbitMQ restarts', () => {
  let broker: AmqpBroker | undefined;
  afterEach(() => broker?.close());
  const host = useBreakableBroker();

  it.each(['stop', 'kill'] as const)(
    'loses nothing that was confirmed, and goes on by itself, after %s',
    async (how) => {
      broker = new AmqpBroker({ url: host.url, name: 'test', log, publishTimeoutMs: patienceMs });
      const { queue, target } = queueOf('partition');
      await broker.declare([queue]);
      await publishEach(broker, target, numbers(100));

      await host[how]();
      await waitFor(() => !broker?.connected);
      const duringOutage = publishEach(broker, target, numbers(100, 100));
      const recorder = new Recorder();
      const subscribed = broker.consume(queue.name, plenty, recorder.handler);
      await host.start();
      await Promise.all([duringOutage, subscribed]);
      await recorder.until(() => new Set(recorder.positions).size === 200);

      expect(new Set(recorder.positions)).toEqual(new Set(numbers(200)));
    },
    patienceMs,
  );
});

describe('AmqpBroker, in front of a peer that has gone silent', () => {
  const host = useTestBroker();
  const proxy = useProxy(() => host.url);
  let broker: AmqpBroker | undefined;
  afterEach(() => broker?.close());

  it('asks the broker for a heartbeat of 5 s unless told otherwise', async () => {
    broker = new AmqpBroker({ url: host.url, name: 'test', log });
    await broker.declare([]);
    expect(await host.connections()).toMatchObject([{ timeout: 5 }]);
  });

  it('notices by the heartbeat, and connects again', async () => {
    const broker = new AmqpBroker({ url: `${proxy.url}?heartbeat=1`, name: 'test', log });
    const { queue, target } = queueOf('work');
    await broker.declare([queue]);

    proxy.freeze();
    await waitFor(() => !broker.connected);
    proxy.thaw();
    await broker.publish(target, [message(0)], { mandatory: true });

    // A busy machine may miss a heartbeat of a second once more: before the confirm, and the message is sent again.
    await waitFor(async () => ((await broker.depth(queue.name)) ?? 0) >= 1);
    await broker.close();
  });
});
