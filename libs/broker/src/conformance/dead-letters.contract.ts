import { queues } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { DeadLetter } from '../broker';
import { UnroutableError } from '../errors';
import { encodeOne } from '../cloud-events/encode';
import type { Wire } from '../cloud-events/wire';
import { message, numbers, plenty, publishEach, queueOf, Recorder, type BrokerSubject } from './subject';

/** What is parked is taken out of `ryax.dead` without loss, and can be published as it came. */
export function describeDeadLetters(subject: BrokerSubject): void {
  describe('dead letters', () => {
    /** A queue whose consumer parks everything, and its messages. */
    async function park(count: number) {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const subscription = await broker.consume(
        queue.name,
        plenty,
        new Recorder((delivery) => delivery.park('no')).handler,
      );
      await publishEach(broker, target, numbers(count));
      await waitFor(async () => (await broker.depth(queues.dead)) === count);
      await subscription.stop();
      return { queue, target };
    }

    const positionIn = ({ content }: DeadLetter): number => {
      const data = JSON.parse(content.toString()) as { readonly position: number };
      return data.position;
    };

    it('come in order, with reason and origin, and are gone once they are taken', async () => {
      const { queue, target } = await park(30);
      const { broker } = await subject.connect();
      const taken: DeadLetter[] = [];
      const subscription = await broker.takeDeadLetters((letters) => Promise.resolve(void taken.push(...letters)));
      await waitFor(() => taken.length === 30);
      await subscription.stop();

      expect(taken.map(positionIn)).toEqual(numbers(30));
      expect(taken[7]).toMatchObject({ ...target, reason: 'no', queue: queue.name, tries: 0 });
      expect(Object.keys(taken[7]?.headers ?? {}).filter((name) => name.startsWith('x-ryax-'))).toEqual([]);
      expect(await broker.depth(queues.dead)).toBe(0);
    });

    it('come again, all and in order, when their reader fails or dies in the middle', async () => {
      await park(30);
      const dying = await subject.connect();
      let calls = 0;
      await dying.broker.takeDeadLetters(async () => {
        if (calls++ === 0) throw new Error('the database is away');
        await dying.cut();
        // Whatever it does now, it can settle nothing any more.
      });
      await waitFor(() => calls === 2);

      const { broker } = await subject.connect();
      const taken: DeadLetter[] = [];
      const subscription = await broker.takeDeadLetters((letters) => Promise.resolve(void taken.push(...letters)));
      await waitFor(() => taken.length === 30);
      await subscription.stop();

      expect(taken.map(positionIn)).toEqual(numbers(30));
    });

    it('are read on after their queue was deleted', async () => {
      const { broker } = await subject.connect();
      const taken: DeadLetter[] = [];
      const subscription = await broker.takeDeadLetters((letters) => Promise.resolve(void taken.push(...letters)));

      await subject.deleteQueue(queues.dead);
      await waitFor(async () => (await broker.depth(queues.dead)) !== undefined);
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      await broker.consume(queue.name, plenty, new Recorder((delivery) => delivery.park('no')).handler);
      await publishEach(broker, target, [5]);
      await waitFor(() => taken.length === 1);
      // Nothing is left to the next test: what is not acknowledged comes again.
      await subscription.stop();

      expect(taken.map(positionIn)).toEqual([5]);
    });

    it('are kept, where nobody reads them, after their queue was deleted', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const subscription = await broker.consume(
        queue.name,
        plenty,
        new Recorder((delivery) => delivery.park('no')).handler,
      );

      await subject.deleteQueue(queues.dead);
      await publishEach(broker, target, numbers(3));
      await waitFor(async () => (await broker.depth(queues.dead)) === 3);
      await subscription.stop();

      expect(await subject.takeParked(3)).toHaveLength(3);
    });

    it('are replayed as they came, to where they were published, without a trace of having been parked', async () => {
      const { queue } = await park(1);
      const { broker } = await subject.connect();
      let letter: DeadLetter | undefined;
      const subscription = await broker.takeDeadLetters(([first]) => Promise.resolve(void (letter = first)));
      await waitFor(() => letter !== undefined);
      await subscription.stop();

      const recorder = new Recorder();
      await broker.declare([queue]);
      await broker.consume(queue.name, plenty, recorder.handler);
      if (letter) await broker.replay(letter);
      await recorder.received(1);

      expect(recorder.positions).toEqual([0]);
      expect(recorder.deliveries[0]?.redelivered).toBe(false);
    });

    it('that are no messages of ours are replayed byte for byte', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      await broker.consume(queue.name, plenty, new Recorder().handler);
      const letters: DeadLetter[] = [];
      const subscription = await broker.takeDeadLetters((taken) => Promise.resolve(void letters.push(...taken)));
      const good = encodeOne(message(1), { exchange: '', routingKey: '' });
      const bad: Wire = { ...good, content: Buffer.from([0xff, 0x00, 0x7b]) };

      await subject.publishRaw(target, bad);
      await waitFor(() => letters.length === 1);
      const [first] = letters;
      if (first) await broker.replay(first);
      await waitFor(() => letters.length === 2);
      await subscription.stop();

      expect(letters[1]).toEqual(first);
      expect(first?.content.equals(bad.content)).toBe(true);
    });

    it('that nobody takes any more are refused', async () => {
      const { broker } = await subject.connect();
      const wire = encodeOne(message(1), { exchange: '', routingKey: '' });
      const letter = { ...wire, reason: '', queue: '', tries: 0, exchange: '', routingKey: 'nobody' };
      await expect(broker.replay(letter)).rejects.toThrow(UnroutableError);
    });
  });
}
