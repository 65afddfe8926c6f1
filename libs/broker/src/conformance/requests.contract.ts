import type { Broker, Delivery } from '../broker';
import {
  hold,
  message,
  numbers,
  plenty,
  positionOf,
  publishEach,
  queueOf,
  Recorder,
  turn,
  type BrokerSubject,
} from './subject';

/** Questions and answers: whoever asks hears the answer, or that there is none. */
export function describeRequests(subject: BrokerSubject): void {
  describe('requests', () => {
    it('gives each asker its own answer', async () => {
      const [asker, answerer] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('questions');
      await answerer.broker.declare([queue]);
      const recorder = new Recorder((delivery) => {
        delivery.reply(message(positionOf(delivery.message) * 2));
        delivery.ack();
      });
      await answerer.broker.consume(queue.name, plenty, recorder.handler);

      const answers = await Promise.all(
        numbers(50).map((position) => asker.broker.request(target, message(position), 5_000)),
      );

      expect(answers.map(positionOf)).toEqual(numbers(50).map((position) => position * 2));
    });

    it('says where an answer is wanted, and where none is', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder((delivery) => {
        delivery.reply(delivery.message);
        delivery.ack();
      });
      await broker.consume(queue.name, plenty, recorder.handler);

      await broker.publish(target, [message(0)]);
      await broker.request(target, message(1), 5_000);

      expect(recorder.deliveries.map(({ replyTo }) => replyTo !== undefined)).toEqual([false, true]);
    });

    it('rejects when nobody answers in time, and ignores the answer that comes later', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder(hold);
      await broker.consume(queue.name, plenty, recorder.handler);

      const asked = broker.request(target, message(0), 2_000);
      await recorder.received(1);
      await expect(asked).rejects.toMatchObject({ code: 'request-timeout', timeoutMs: 2_000 });
      answer(recorder.deliveries[0]);

      const next = broker.request(target, message(1), 5_000);
      await recorder.received(2);
      answer(recorder.deliveries[1]);
      expect(positionOf(await next)).toBe(1);
    });

    it('rejects at once when no queue takes the question', async () => {
      const { broker } = await subject.connect();
      const { target } = queueOf('questions');

      await expect(broker.request(target, message(0), 60_000)).rejects.toMatchObject({ code: 'unroutable', target });
    });

    it('rejects when the connection is lost before the answer', async () => {
      const [asker, answerer] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('questions');
      await answerer.broker.declare([queue]);
      const recorder = new Recorder(hold);
      await answerer.broker.consume(queue.name, plenty, recorder.handler);

      const asked = asker.broker.request(target, message(0), 60_000);
      const rejected = expect(asked).rejects.toMatchObject({ code: 'connection-lost' });
      await recorder.received(1);
      asker.drop();
      await rejected;
    });

    it('a reply that finds no queue is dropped, and its command is acknowledged all the same', async () => {
      const [asker, answerer] = [await subject.connect(), await subject.connect()];
      const { queue, target } = queueOf('work');
      await answerer.broker.declare([queue]);
      const recorder = new Recorder(hold);
      const subscription = await answerer.broker.consume(queue.name, plenty, recorder.handler);

      const asked = asker.broker.request(target, message(0), 60_000);
      const rejected = expect(asked).rejects.toMatchObject({ code: 'connection-lost' });
      await recorder.received(1);
      await asker.cut();
      await rejected;
      answer(recorder.deliveries[0]);
      await subscription.stop();

      // What was not acknowledged would come before what is published later.
      const next = new Recorder();
      await answerer.broker.consume(queue.name, plenty, next.handler);
      await answerer.broker.publish(target, [message(1)]);
      await next.received(1);
      expect(next.positions).toEqual([1]);
    });

    it('asks again over the next connection', async () => {
      const client = await subject.connect();
      const { queue, target } = queueOf('questions');
      await client.broker.declare([queue]);
      const recorder = new Recorder(answer);
      await client.broker.consume(queue.name, plenty, recorder.handler);

      await client.cut();
      const asked = client.broker.request(target, message(3), 30_000);
      await client.restore();

      expect(positionOf(await asked)).toBe(3);
    });

    it('does not deliver a question whose asker has given up', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('questions');
      await broker.declare([queue]);
      await expect(broker.request(target, message(0), 500)).rejects.toMatchObject({ code: 'request-timeout' });
      await isEmpty(broker, queue.name);

      const recorder = new Recorder();
      await broker.consume(queue.name, plenty, recorder.handler);
      await publishEach(broker, target, [1]);
      await recorder.received(1);

      expect(recorder.positions).toEqual([1]);
    });

    it('keeps a command that nobody took in time, with the reason', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      await expect(broker.request(target, message(0), 500)).rejects.toMatchObject({ code: 'request-timeout' });
      await isEmpty(broker, queue.name);

      expect(await subject.takeParked(1)).toMatchObject([{ reason: 'expired', queue: queue.name }]);
    });
  });
}

function answer(delivery: Delivery | undefined): void {
  delivery?.reply(delivery.message);
  delivery?.ack();
}

async function isEmpty(broker: Broker, queue: string): Promise<void> {
  while ((await broker.depth(queue)) !== 0) await turn();
}
