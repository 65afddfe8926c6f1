import { cloudEventType, limits, type Message } from '@ryax/contracts';
import { decode } from '../cloud-events/decode';
import { encodeOne } from '../cloud-events/encode';
import type { Wire } from '../cloud-events/wire';
import type { BatchHandler, Delivery } from '../broker';
import { HandlerUnavailableError } from '../errors';
import {
  hold,
  message,
  numbers,
  plenty,
  positionOf,
  publishEach,
  publishPacked,
  queueOf,
  Recorder,
  turn,
  type BrokerSubject,
} from './subject';

/** What cannot be handled is parked with its reason, after a bounded number of tries, and holds up nobody. */
export function describePoison(subject: BrokerSubject): void {
  describe('poison', () => {
    it('is parked with its reason after its last try, while others pass', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder((delivery) => {
        if (positionOf(delivery.message) === 2) delivery.retry('two is odd enough');
        else delivery.ack();
      });
      await broker.consume(queue.name, { ...plenty, maxTries: 3 }, recorder.handler);

      await publishEach(broker, target, numbers(5));
      const [parked] = await subject.takeParked(1);

      expect(parked).toMatchObject({ reason: 'two is odd enough', queue: queue.name, tries: 3 });
      expect(recorder.positions.filter((position) => position === 2)).toHaveLength(3);
      expect(new Set(recorder.positions)).toEqual(new Set(numbers(5)));
    });

    it('is found by halving a batch that fails as a whole', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const handled: number[] = [];
      const sizesWithPoison: number[] = [];
      await broker.consume(queue.name, { ...plenty, maxTries: 2 }, (batch) => {
        const positions = batch.map((delivery) => positionOf(delivery.message));
        if (positions.includes(11)) {
          sizesWithPoison.push(batch.length);
          throw new Error('one of them is bad');
        }
        handled.push(...positions);
        for (const delivery of batch) delivery.ack();
        return Promise.resolve();
      });

      await publishPacked(broker, target, numbers(16));
      const [parked] = await subject.takeParked(1);

      expect(parked).toMatchObject({ reason: 'one of them is bad', tries: 2 });
      expect(sizesWithPoison).toEqual([16, 8, 4, 2, 1, 1]);
      expect(handled.sort((a, b) => a - b)).toEqual(numbers(16).filter((position) => position !== 11));
    });

    it('keeps what it was, so that it can be replayed', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder((delivery) => delivery.park('by request'));
      await broker.consume(queue.name, plenty, recorder.handler);
      const original: Message = {
        ...message(7),
        subject: 'run:default:r1',
        time: '2026-01-01T00:00:00Z',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      };

      await broker.publish(target, [original]);
      const [parked] = await subject.takeParked(1);

      expect(parked && decode(parked.wire)).toEqual([{ type: 'message', message: original }]);
    });

    it.each([
      ['in the handler', (work: () => Promise<void>) => work()],
      // As a consumer does that gathers what several queues hand it.
      ['after the handler', (work: () => Promise<void>) => Promise.resolve(void turn().then(work))],
    ])('that takes its consumer with it %s is parked, and what stood beside it is not', async (_when, run) => {
      const { queue, target } = queueOf('work');
      const publisher = await subject.connect();
      await publisher.broker.declare([queue]);
      const innocent = new Recorder();
      await publishPacked(publisher.broker, target, [0, 1, 13, 2]);

      const parked = subject.takeParked(1);
      let deaths = 0;
      for (let ended: unknown = 'died'; ended === 'died'; deaths++) {
        const client = await subject.connect();
        await client.broker.declare([queue]);
        const gathered: Delivery[] = [];
        const died = new Promise<'died'>((resolve) => {
          const work = async () => {
            const batch = gathered.splice(0);
            if (!batch.some((delivery) => positionOf(delivery.message) === 13)) return innocent.handler(batch);
            await client.cut();
            resolve('died');
          };
          const handler: BatchHandler = (batch) => {
            gathered.push(...batch);
            return run(work);
          };
          void client.broker.consume(queue.name, { ...plenty, maxTries: 3 }, handler);
        });
        ended = await Promise.race([died, parked]);
      }

      const [poison] = await parked;
      expect(poison).toMatchObject({ queue: queue.name, tries: 3 });
      expect(poison?.reason).toContain('its consumer died');
      expect(poison && decode(poison.wire)).toMatchObject([{ message: { data: { position: 13 } } }]);
      expect(new Set(innocent.positions)).toEqual(new Set([0, 1, 2]));
      // Once with others, once to be told from them, and alone until its tries are counted.
      expect(deaths).toBeLessThanOrEqual(6);
    });

    it('what comes while nobody can work is never taken for poison', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder();
      let outage = 6;
      await broker.consume(queue.name, { ...plenty, maxTries: 2 }, async (batch) => {
        if (--outage > 0) throw new HandlerUnavailableError('the database');
        await recorder.handler(batch);
      });

      await publishEach(broker, target, numbers(3));
      await recorder.received(3);

      expect(recorder.positions).toEqual(numbers(3));
      expect(recorder.deliveries.every(({ redelivered }) => !redelivered)).toBe(true);
    });
  });

  describe('what is no message of ours', () => {
    const good = encodeOne(message(1), { exchange: '', routingKey: '' });
    const withHeader = (name: string, value: unknown): Wire => ({
      ...good,
      headers: { ...good.headers, [name]: value },
    });
    const deep = '['.repeat(8_000) + ']'.repeat(8_000);
    const cases: readonly (readonly [string, Wire, RegExp])[] = [
      ['a body that is no JSON', { ...good, content: Buffer.from('{') }, /expected JSON/],
      ['another content type', { ...good, contentType: 'text/plain' }, /expected content type .* found text\/plain/],
      [
        'a value that nobody can write again',
        {
          ...withHeader('cloudEvents:type', cloudEventType('command.run.start')),
          content: Buffer.from(`{"workflow_id":"w","inputs":{"j":${deep}}}`),
        },
        /expected at most 1000 levels of nesting \(messageDepth\)/,
      ],
      ['a missing attribute', withHeader('cloudEvents:id', undefined), /attributes: id/],
      ['an attribute of the wrong type', withHeader('cloudEvents:source', 7), /attributes: source/],
      ['an unknown type', withHeader('cloudEvents:type', 'com.example.order'), /expected a type of ours/],
      ['an unknown version', withHeader('cloudEvents:type', 'tech.ryax.log.wake.v9'), /expected version 1 .* found 9/],
      ['data against its schema', { ...good, content: Buffer.from('{"position":"far"}') }, /log\.wake: position/],
      [
        'a body that is too large',
        { ...good, content: Buffer.alloc(limits.messageBytes + 1, ' ') },
        /expected at most/,
      ],
      [
        'an empty batch',
        { ...good, contentType: 'application/cloudevents-batch+json', content: Buffer.from('[]') },
        /list/,
      ],
    ];

    it.each(cases)('is parked and not handed out: %s', async (_name, wire, reason) => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder(hold);
      await broker.consume(queue.name, plenty, recorder.handler);

      await subject.publishRaw(target, wire);
      await publishEach(broker, target, [5]);
      const [parked] = await subject.takeParked(1);
      await recorder.received(1);

      expect(parked?.reason).toMatch(reason);
      expect(parked?.wire.content.equals(wire.content)).toBe(true);
      expect(recorder.positions).toEqual([5]);
    });

    it('is parked although it is a batch of what cannot be written again, and costs nobody the connection', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder();
      await broker.consume(queue.name, plenty, recorder.handler);
      let connections = 0;
      broker.onConnected(() => connections++);

      const wire = { contentType: 'application/cloudevents-batch+json', headers: {}, content: Buffer.from(deep) };
      await subject.publishRaw(target, wire);
      await publishEach(broker, target, [5]);
      const [parked] = await subject.takeParked(1);
      await recorder.received(1);

      expect(parked?.reason).toMatch(/messageDepth/);
      expect(parked?.wire.content.toString()).toBe(deep.slice(1, -1));
      expect(recorder.deliveries.map(({ redelivered }) => redelivered)).toEqual([false]);
      expect(connections).toBe(1);
    });

    it('is parked although its headers leave no room for the reason', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      await broker.consume(queue.name, plenty, new Recorder(hold).handler);
      const bad = { ...withHeader('x-large', 'x'.repeat(65_200)), content: Buffer.from('{') };

      await subject.publishRaw(target, bad);
      const [parked] = await subject.takeParked(1);

      expect(parked).toMatchObject({ reason: expect.stringContaining('expected JSON'), queue: queue.name });
      expect(parked?.wire.content.equals(bad.content)).toBe(true);
      expect(parked?.wire.headers).toMatchObject(good.headers);
    });

    it('is parked alone when it comes packed with others', async () => {
      const { broker } = await subject.connect();
      const { queue, target } = queueOf('work');
      await broker.declare([queue]);
      const recorder = new Recorder();
      const subscription = await broker.consume(queue.name, plenty, recorder.handler);
      const event = (position: unknown) => ({
        specversion: '1.0',
        id: 'x',
        type: cloudEventType('log.wake'),
        source: 'conformance',
        data: { position },
      });

      await subject.publishRaw(target, {
        contentType: 'application/cloudevents-batch+json; charset=utf-8',
        headers: {},
        content: Buffer.from(JSON.stringify([event(1), event('far'), event(3)])),
      });
      const [parked] = await subject.takeParked(1);
      await recorder.received(2);
      await subscription.stop();

      expect(parked && JSON.parse(parked.wire.content.toString())).toEqual(event('far'));
      expect(recorder.positions).toEqual([1, 3]);
      expect(recorder.deliveries[0]?.message.project).toBe('default');
      expect(await broker.depth(queue.name)).toBe(0);
    });
  });
}
