import { exchanges } from '@ryax/contracts';
import { ownQueueLength } from '../broker';
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

/** Order, batches, bounds, and who gets what. */
export function describeConsuming(subject: BrokerSubject): void {
  describe('order', () => {
    it('delivers the messages of one key in the order of their publishing', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('partition');
      await broker.declare([queue]);
      const recorder = new Recorder();
      await broker.consume(queue.name, { prefetch: 50, maxBatch: 7 }, recorder.handler);

      await publishEach(broker, target, numbers(200));
      await publishPacked(broker, target, numbers(100, 200));
      await publishEach(broker, target, numbers(50, 300));
      await recorder.received(350);

      expect(recorder.positions).toEqual(numbers(350));
    });

    it('keeps the place of a message that is tried again', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('partition');
      await broker.declare([queue]);
      const failOnce = new Set([1]);
      const recorder = new Recorder((delivery) => {
        if (failOnce.delete(recorder.positions.at(-1) ?? -1)) delivery.retry('not yet');
        else delivery.ack();
      });
      await broker.consume(queue.name, { prefetch: 10, maxBatch: 1 }, recorder.handler);

      await publishPacked(broker, target, [0, 1, 2, 3]);
      await recorder.received(5);

      expect(recorder.positions).toEqual([0, 1, 1, 2, 3]);
      expect(recorder.deliveries.map(({ redelivered }) => redelivered)).toEqual([false, true, true, false, false]);
    });
  });

  describe('batches', () => {
    it('hands out what has gathered meanwhile as one batch, one batch at a time', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder();
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      let running = 0;
      await broker.consume(queue.name, { prefetch: 100, maxBatch: 6 }, async (batch) => {
        expect(++running).toBe(1);
        await recorder.handler(batch);
        await released;
        running--;
      });

      await publishEach(broker, target, [0]);
      await recorder.received(1);
      await publishPacked(broker, target, numbers(10, 1));
      release();
      await recorder.received(11);

      expect(recorder.batches).toEqual([[0], numbers(6, 1), numbers(4, 7)]);
    });

    it('settles the messages of a packed one singly', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder((delivery) => {
        if (recorder.deliveries.length > 3) delivery.ack();
      });
      const subscription = await broker.consume(queue.name, plenty, recorder.handler);

      await publishPacked(broker, target, [0, 1, 2]);
      await recorder.received(3);
      recorder.deliveries[0]?.ack();
      recorder.deliveries[1]?.retry('not yet');
      recorder.deliveries[2]?.park('never');
      await recorder.received(4);
      const [parked] = await subject.takeParked(1);
      await subscription.stop();

      expect(recorder.positions).toEqual([0, 1, 2, 1]);
      expect(parked).toMatchObject({ reason: 'never', queue: queue.name });
      expect(await broker.depth(queue.name)).toBe(0);
    });

    it('lets a delivery be settled after its batch, once', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder(hold);
      const subscription = await broker.consume(queue.name, plenty, recorder.handler);

      await publishEach(broker, target, numbers(3));
      await recorder.received(3);
      for (const delivery of recorder.deliveries) {
        delivery.ack();
        delivery.retry('too late');
      }
      await subscription.stop();

      expect(recorder.positions).toEqual([0, 1, 2]);
      expect(await broker.depth(queue.name)).toBe(0);
    });
  });

  describe('back-pressure', () => {
    it('holds no more broker messages than the prefetch', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder(hold);
      await publishEach(broker, target, numbers(10));

      await broker.consume(queue.name, { prefetch: 3, maxBatch: 100 }, recorder.handler);
      await recorder.received(3);
      await passThrough(subject);
      expect(recorder.positions).toEqual([0, 1, 2]);
      expect(await broker.depth(queue.name)).toBe(7);

      recorder.deliveries[1]?.ack();
      await recorder.received(4);
      expect(recorder.positions).toEqual([0, 1, 2, 3]);
    });

    it('gives back what was not handed out when a subscription stops', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      await publishEach(broker, target, numbers(5));
      const first = new Recorder(hold);
      const subscription = await broker.consume(queue.name, { prefetch: 5, maxBatch: 1 }, async (batch) => {
        await first.handler(batch);
        await turn();
      });
      await first.received(2);
      for (const delivery of first.deliveries) delivery.ack();
      const settled = first.deliveries.length;
      await subscription.stop(0);

      const second = new Recorder();
      await broker.consume(queue.name, plenty, second.handler);
      await second.until(() => new Set([...first.positions.slice(0, settled), ...second.positions]).size === 5);
    });

    it('drops the oldest of an own queue beyond its length', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('own');
      await broker.declare([queue]);
      for (const thousand of numbers(10)) await publishEach(broker, target, numbers(1_000, thousand * 1_000));
      await publishEach(broker, target, numbers(5, ownQueueLength));

      expect(await broker.depth(queue.name)).toBe(ownQueueLength);
      const recorder = new Recorder();
      await broker.consume(queue.name, plenty, recorder.handler);
      await recorder.received(1);
      expect(recorder.positions[0]).toBe(5);
    });
  });

  describe('who gets what', () => {
    it('shares a work queue among its consumers', async () => {
      const [one, two] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('work');
      const [first, second] = [new Recorder(hold), new Recorder(hold)];
      for (const [{ broker }, recorder] of [
        [one, first],
        [two, second],
      ] as const) {
        await broker.declare([queue]);
        await broker.consume(queue.name, { prefetch: 2, maxBatch: 10 }, recorder.handler);
      }

      await publishEach(one.broker, target, numbers(4));
      await Promise.all([first.received(2), second.received(2)]);

      expect([...first.positions, ...second.positions].sort()).toEqual(numbers(4));
    });

    it('gives a partition to one consumer, and to the next when that one leaves', async () => {
      const [one, two] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('partition');
      const [first, second] = [new Recorder(), new Recorder()];
      await one.broker.declare([queue]);
      await two.broker.declare([queue]);
      const active = await one.broker.consume(queue.name, plenty, first.handler);
      await two.broker.consume(queue.name, plenty, second.handler);

      await publishEach(one.broker, target, numbers(10));
      await first.received(10);
      expect(second.deliveries).toEqual([]);

      await active.stop();
      await publishEach(one.broker, target, numbers(10, 10));
      await second.received(10);
      expect(first.positions).toEqual(numbers(10));
      expect(second.positions).toEqual(numbers(10, 10));
    });

    it('hands a partition over with what its consumer left when it died', async () => {
      const [one, two] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('partition');
      const [first, second] = [new Recorder(hold), new Recorder()];
      await one.broker.declare([queue]);
      await two.broker.declare([queue]);
      await one.broker.consume(queue.name, { prefetch: 5, maxBatch: 10 }, first.handler);
      await two.broker.consume(queue.name, plenty, second.handler);
      await publishEach(two.broker, target, numbers(8));
      await first.received(5);

      await one.cut();
      await second.received(8);

      expect([...second.positions].sort()).toEqual(numbers(8));
      expect(second.deliveries.filter(({ redelivered }) => redelivered)).toHaveLength(5);
    });

    it('gives every connection its own queue, though they are called the same', async () => {
      const [one, two] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('own');
      const [first, second] = [new Recorder(), new Recorder()];
      await one.broker.declare([queue]);
      await two.broker.declare([queue]);
      await one.broker.consume(queue.name, plenty, first.handler);
      await two.broker.consume(queue.name, plenty, second.handler);

      await publishEach(one.broker, target, [1]);

      await Promise.all([first.received(1), second.received(1)]);
    });

    it('routes by topic patterns, once to a queue that matches twice', async () => {
      const { broker } = await subject.connect();
      const exchange = exchanges.events.name;
      const { queue } = queueOf('work');
      const patterns = ['acme.run.*', '*.run.failed', 'acme.#.late'];
      await broker.declare([{ ...queue, bindings: patterns.map((routingKey) => ({ exchange, routingKey })) }]);
      const recorder = new Recorder();
      await broker.consume(queue.name, plenty, recorder.handler);

      const keys = ['acme.run.failed', 'acme.run', 'other.run.failed', 'other.run.ended', 'acme.late', 'acme.a.b.late'];
      for (const [position, routingKey] of keys.entries()) {
        await broker.publish({ exchange, routingKey }, [message(position)]);
      }
      await recorder.received(4);

      expect(recorder.positions).toEqual([0, 2, 4, 5]);
    });
  });

  describe('forget', () => {
    it('deletes an own queue', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('own');
      await broker.declare([queue]);
      await broker.forget(queue.name);

      await expect(broker.publish(target, [message(0)], { mandatory: true })).rejects.toMatchObject({
        code: 'unroutable',
      });
    });
  });
}

/** Time enough for anything on its way to arrive: a message has gone out to the broker and come back. */
async function passThrough(subject: BrokerSubject): Promise<void> {
  const { broker } = await subject.connect();
  const { queue, target } = queueOf('own');
  await broker.declare([queue]);
  const recorder = new Recorder();
  await broker.consume(queue.name, plenty, recorder.handler);
  await publishEach(broker, target, [0]);
  await recorder.received(1);
}
