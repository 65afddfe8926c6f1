import { limits, type Message } from '@ryax/contracts';
import { message, numbers, plenty, publishEach, queueOf, Recorder, type BrokerSubject } from './subject';

/** What a confirm promises, and what becomes of messages without one. */
export function describePublishing(subject: BrokerSubject): void {
  describe('publishing', () => {
    it('confirms when the broker has the message', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);

      await broker.publish(target, [message(0)], { mandatory: true });

      expect(await broker.depth(queue.name)).toBe(1);
    });

    it('rejects a mandatory message that no queue takes, and drops one that is not', async () => {
      const { broker } = await subject.connect();
      const { target } = queueOf('work');

      await expect(broker.publish(target, [message(0)])).resolves.toBeUndefined();
      await expect(broker.publish(target, [message(0)], { mandatory: true })).rejects.toMatchObject({
        code: 'unroutable',
        target,
      });
    });

    it('sends once what fits into one broker message, and nothing of what does not', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const sized = (position: number, length: number): Message => ({
        ...message(position),
        type: 'workflow.undeploy',
        data: { workflow_id: 'x'.repeat(length), undeployed_by: null },
      });
      const third = limits.messageBytes / 3;
      const tooLarge = { code: 'publish-failed', reason: 'too-large' };

      const parts = [sized(0, third), sized(1, third), sized(2, third)] as const;
      await expect(broker.publish(target, parts, { once: true })).rejects.toMatchObject(tooLarge);
      const whole = sized(3, limits.messageBytes);
      await expect(broker.publish(target, [whole], { once: true })).rejects.toMatchObject(tooLarge);
      expect(await broker.depth(queue.name)).toBe(0);

      await broker.publish(target, [parts[0], parts[1]], { once: true });
      expect(await broker.depth(queue.name)).toBeGreaterThan(0);
    });

    it('holds messages while the line is down, and sends them in order when it is back', async () => {
      const client = await subject.connect();
      const { queue, target } = queueOf('work');
      await client.broker.declare([queue]);
      const other = await subject.connect();
      const recorder = new Recorder();
      await other.broker.declare([queue]);
      await other.broker.consume(queue.name, plenty, recorder.handler);

      await client.cut();
      const published = publishEach(client.broker, target, numbers(20));
      await client.restore();
      await published;
      await recorder.received(20);

      expect(recorder.positions).toEqual(numbers(20));
    });

    it('rejects what could not be sent until its deadline', async () => {
      const client = await subject.connect({ publishTimeoutMs: 50 });
      const { target } = queueOf('work');

      await client.cut();

      await expect(client.broker.publish(target, [message(0)])).rejects.toMatchObject({ code: 'publish-failed' });
    });

    it('loses nothing that it confirms when the connection breaks', async () => {
      const client = await subject.connect();
      const { queue, target } = queueOf('work');
      await client.broker.declare([queue]);

      const published = publishEach(client.broker, target, numbers(500));
      client.drop();
      await Promise.all([published, publishEach(client.broker, target, numbers(500, 500))]);
      const recorder = new Recorder();
      await client.broker.consume(queue.name, plenty, recorder.handler);
      await recorder.until(() => new Set(recorder.positions).size === 1_000);

      expect(new Set(recorder.positions)).toEqual(new Set(numbers(1_000)));
    });

    it('rejects after it was closed', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      await broker.close();

      await expect(broker.publish(target, [message(0)])).rejects.toMatchObject({ code: 'broker-closed' });
      await expect(broker.request(target, message(0), 1_000)).rejects.toMatchObject({ code: 'broker-closed' });
      await expect(broker.declare([queue])).rejects.toMatchObject({ code: 'broker-closed' });
    });
  });
}
