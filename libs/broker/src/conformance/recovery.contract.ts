import {
  hold,
  message,
  numbers,
  plenty,
  publishEach,
  publishPacked,
  queueOf,
  Recorder,
  type BrokerSubject,
  turn,
} from './subject';

/** After every loss of a connection, a queue or a queue's content, work goes on by itself. */
export function describeRecovery(subject: BrokerSubject): void {
  describe('recovery', () => {
    it('goes on consuming over the next connection, and delivers again what was unsettled', async () => {
      const client = await subject.connect();
      const { queue, target } = queueOf('partition');
      await client.broker.declare([queue]);
      const before = new Recorder(hold);
      const after = new Recorder();
      let recorder = before;
      const subscription = await client.broker.consume(queue.name, plenty, (batch) => recorder.handler(batch));
      await publishPacked(client.broker, target, [0, 1]);
      await publishEach(client.broker, target, [2]);
      await before.received(3);
      before.deliveries[0]?.ack();

      recorder = after;
      client.drop();
      await after.received(3);
      before.deliveries[1]?.ack();
      before.deliveries[2]?.park('settled over a lost connection: without effect');
      await publishEach(client.broker, target, [3]);
      await after.received(4);
      await subscription.stop();

      expect(after.positions).toEqual([0, 1, 2, 3]);
      expect(after.deliveries.slice(0, 3).every(({ redelivered }) => redelivered)).toBe(true);
      expect(await client.broker.depth(queue.name)).toBe(0);
      expect(await subject.takeParked(0)).toEqual([]);
    });

    it('counts the tries of a message over a reconnect', async () => {
      const client = await subject.connect();
      const { queue, target } = queueOf('work');
      await client.broker.declare([queue]);
      const recorder = new Recorder((delivery) => {
        delivery.retry('never works');
        if (recorder.deliveries.length === 1) client.drop();
      });
      await client.broker.consume(queue.name, { ...plenty, maxTries: 3 }, recorder.handler);

      await publishEach(client.broker, target, [0]);
      const [parked] = await subject.takeParked(1);

      expect(parked).toMatchObject({ reason: 'never works', tries: 3 });
    });

    it('tells its listeners of every connection, the first included', async () => {
      const client = await subject.connect();
      const { queue } = queueOf('work');
      await client.broker.declare([queue]);
      let connections = 0;
      const reconnected = new Promise<void>((resolve) => {
        client.broker.onConnected(() => {
          expect(client.broker.connected).toBe(true);
          if (++connections === 2) resolve();
        });
      });
      expect(connections).toBe(1);

      client.drop();
      await reconnected;
    });

    it('has its own queue again, and what was in it is gone', async () => {
      const client = await subject.connect();
      const { queue, target } = queueOf('own');
      await client.broker.declare([queue]);
      await publishEach(client.broker, target, [0]);

      const reconnected = new Promise<void>((resolve) => {
        let connections = 0;
        client.broker.onConnected(() => ++connections === 2 && resolve());
      });
      client.drop();
      await reconnected;
      await client.broker.publish(target, [message(1)], { mandatory: true });
      const recorder = new Recorder();
      await client.broker.consume(queue.name, plenty, recorder.handler);
      await recorder.received(1);

      expect(recorder.positions).toEqual([1]);
    });

    it.each(['work', 'partition'] as const)('declares a deleted %s queue again and consumes it', async (kind) => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf(kind);
      await broker.declare([queue]);
      const recorder = new Recorder();
      await broker.consume(queue.name, plenty, recorder.handler);
      await publishEach(broker, target, [0]);
      await recorder.received(1);

      await subject.deleteQueue(queue.name);
      const isTaken = () =>
        broker.publish(target, [message(1)], { mandatory: true }).then(
          () => true,
          () => false,
        );
      while (!(await isTaken())) await turn();
      await recorder.received(2);

      expect(recorder.positions).toEqual([0, 1]);
    });

    it('goes on after a purge', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder(hold);
      await publishEach(broker, target, numbers(10));
      await broker.consume(queue.name, { prefetch: 4, maxBatch: 10 }, recorder.handler);
      await recorder.received(4);

      await subject.purgeQueue(queue.name);
      for (const delivery of recorder.deliveries) delivery.ack();
      await publishEach(broker, target, [99]);
      await recorder.received(5);

      expect(recorder.positions).toEqual([0, 1, 2, 3, 99]);
    });

    it('refuses a queue that exists as another kind, and stays usable', async () => {
      const [one, two] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('work');
      await one.broker.declare([queue]);

      await expect(two.broker.declare([{ ...queue, kind: 'partition' }])).rejects.toMatchObject({
        code: 'topology-refused',
        queue: queue.name,
      });
      await two.broker.publish(target, [message(0)], { mandatory: true });
      await expect(two.broker.consume(queue.name, plenty, hold as never)).rejects.toMatchObject({
        code: 'topology-refused',
      });
    });

    it('knows no depth of a queue that does not exist', async () => {
      const { broker } = await subject.connect();
      const { queue } = queueOf('work');
      await broker.declare([queue]);

      expect(await broker.depth(queue.name)).toBe(0);
      expect(await broker.depth('conformance.nowhere')).toBeUndefined();
    });
  });
}
