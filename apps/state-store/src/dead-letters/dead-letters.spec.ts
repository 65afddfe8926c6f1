import { InMemoryBroker, type DeadLetter, type DeadLetterQueue, type Delivery } from '@ryax/broker';
import { createTestDatabase, waitFor } from '@ryax/testing';
import type { Database } from '@ryax/event-log';
import { createWorld, silentLog, type World } from '../testing/stores';
import { deadLetterQueries } from './dead-letter-queries';
import { listLetters, storeLetters, trimLetters } from './dead-letters';

const project = 'default';
const work = {
  name: 'work',
  kind: 'work' as const,
  bindings: [{ exchange: 'ryax.runner' as const, routingKey: 'p7' }],
};
const place = { exchange: 'ryax.runner', routing_key: 'p7' };
const target = { exchange: 'ryax.runner', routingKey: 'p7' } as const;

describe('dead letters', () => {
  let world: World;
  let database: Database;
  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
    database = world.eventLog.database;
  });
  afterEach(() => world.end());

  const list = async () => (await world.ask('dead-letter.list', { project })).items;

  function letter(position: number, given: Partial<DeadLetter> = {}): DeadLetter {
    return {
      reason: 'no',
      queue: work.name,
      tries: 5,
      ...target,
      contentType: 'application/json',
      headers: { 'cloudEvents:id': `m${position}` },
      content: Buffer.from(JSON.stringify({ position })),
      ...given,
    };
  }

  /** A queue whose consumer does as it is told, now and later. */
  async function startConsumer() {
    await world.broker.declare([work]);
    const consumer = { handled: [] as string[], settle: (delivery: Delivery) => delivery.park('it is poison') };
    await world.broker.consume(work.name, { prefetch: 100, maxBatch: 100 }, (batch) => {
      for (const delivery of batch) {
        consumer.handled.push(delivery.message.id);
        consumer.settle(delivery);
      }
      return Promise.resolve();
    });
    return consumer;
  }

  const publish = (id: string) =>
    world.broker.publish(target, [{ id, type: 'log.wake', source: 'tester', project, data: { position: 1 } }]);

  it('a poison message is parked with its error while others pass, is replayed, and is gone', async () => {
    world.expectComplaints();
    await world.startReplica();
    const consumer = await startConsumer();
    consumer.settle = (delivery) => {
      if (delivery.message.id === 'poison') delivery.park('it is poison');
      else delivery.ack();
    };

    await publish('one');
    await publish('poison');
    await publish('two');
    await waitFor(async () => (await list()).length === 1);

    const [parked] = await list();
    expect(parked).toMatchObject({
      reason: 'it is poison',
      queue: 'work',
      exchange: 'ryax.runner',
      routing_key: 'p7',
      message_id: 'poison',
      message_type: 'tech.ryax.log.wake.v1',
      source: 'tester',
      times: 1,
    });
    expect(consumer.handled).toEqual(['one', 'poison', 'two']);
    const shown = await world.ask('dead-letter.get', { project, id: parked?.id ?? '' });
    expect(shown).toMatchObject({ body: '{"position":1}', body_encoding: 'utf8', truncated: false });

    consumer.settle = (delivery) => delivery.ack();
    expect(await world.ask('dead-letter.replay', { project, id: parked?.id ?? '' })).toEqual({
      id: parked?.id,
      ...place,
    });
    await waitFor(() => consumer.handled.length === 4);
    expect(consumer.handled).toEqual(['one', 'poison', 'two', 'poison']);
    expect(await list()).toEqual([]);
  });

  it('one that is still poison when it is replayed is a letter again, however the two cross', async () => {
    world.expectComplaints();
    await world.startReplica();
    await startConsumer();
    await publish('poison');
    await waitFor(async () => (await list()).length === 1);
    const [first] = await list();

    await world.ask('dead-letter.replay', { project, id: first?.id ?? '' });

    await waitFor(async () => (await list()).length === 1);
    expect((await list())[0]).toMatchObject({ id: first?.id, message_id: 'poison' });
  });

  it('one that is parked again while it is being replayed stays', async () => {
    await storeLetters(database, [letter(1)]);
    const [stored] = await listLetters(database, undefined, 10);
    const parkedMeanwhile: DeadLetterQueue = {
      takeDeadLetters: () => Promise.reject(new Error('Expected nobody to ask')),
      replay: () => storeLetters(database, [letter(1)]),
    };

    await deadLetterQueries(database, parkedMeanwhile)['dead-letter.replay']({ project, id: stored?.id ?? '' });

    expect(await listLetters(database, undefined, 10)).toMatchObject([{ times: 2 }]);
  });

  it('is dropped for good, and what is not there is not found', async () => {
    await world.startReplica();
    await storeLetters(database, [letter(1), letter(2)]);
    const [newest] = await list();

    await world.ask('dead-letter.drop', { project, id: newest?.id ?? '' });

    expect((await list()).map(({ message_id: id }) => id)).toEqual(['m1']);
    const asked = { project, id: newest?.id ?? '' };
    await expect(world.ask('dead-letter.drop', asked)).rejects.toThrow('not-found');
    await expect(world.ask('dead-letter.replay', asked)).rejects.toThrow('not-found');
    await expect(world.ask('dead-letter.get', asked)).rejects.toThrow('not-found');
  });

  it('that nobody would take any more is not replayed, and is kept', async () => {
    await world.startReplica();
    await storeLetters(database, [letter(1, { routingKey: 'nobody' })]);
    const [kept] = await list();

    await expect(world.ask('dead-letter.replay', { project, id: kept?.id ?? '' })).rejects.toThrow('conflict');

    expect(await list()).toHaveLength(1);
  });

  it('none is lost, doubled or reordered when the store is killed in the middle, after its commit or before', async () => {
    const consumer = await startConsumer();
    for (let index = 0; index < 60; index++) await publish(`m${index}`);
    await waitFor(() => consumer.handled.length === 60);

    // Two that die with letters in hand: one before it has stored them, one after, before it has acknowledged them.
    for (const work of [() => Promise.resolve(), (letters: readonly DeadLetter[]) => storeLetters(database, letters)]) {
      const dying = new InMemoryBroker({ server: world.server, log: silentLog });
      await new Promise<void>((died) => {
        void dying.takeDeadLetters(async (letters) => {
          await work(letters);
          dying.cutConnection();
          died();
        });
      });
    }
    await world.startReplica();
    await waitFor(async () => (await list()).some(({ message_id: id }) => id === 'm59'));

    const { items } = await world.ask('dead-letter.list', { project, limit: 1_000 });
    expect(items.map(({ message_id: id }) => id)).toEqual(Array.from({ length: 60 }, (_, index) => `m${59 - index}`));
    expect(world.server.depth('ryax.dead')).toBe(0);
  });

  it('pages through them, newest first, whatever comes or goes in between', async () => {
    await world.startReplica();
    await storeLetters(
      database,
      [1, 2, 3, 4, 5].map((position) => letter(position)),
    );
    const first = await world.ask('dead-letter.list', { project, limit: 2 });
    await storeLetters(database, [letter(6)]);
    await world.ask('dead-letter.drop', { project, id: first.items[1]?.id ?? '' });
    const second = await world.ask('dead-letter.list', { project, limit: 2, cursor: first.next_cursor ?? '' });

    expect([...first.items, ...second.items].map(({ message_id: id }) => id)).toEqual(['m5', 'm4', 'm3', 'm2']);
  });

  it('keeps what no text can hold: bytes, U+0000, headers of any kind', async () => {
    await world.startReplica();
    const headers = { 'cloudEvents:id': 'a\0b', bytes: Buffer.from([0, 255]), list: [1, 'two'], table: { deep: true } };
    const odd = letter(1, { reason: 'a\0b', headers, content: Buffer.from([0xff, 0x00]) });
    await storeLetters(database, [odd]);

    const [listed] = await list();
    const stored = (await listLetters(database, undefined, 1))[0]?.letter;
    expect(stored).toEqual(odd);
    expect(await world.ask('dead-letter.get', { project, id: listed?.id ?? '' })).toMatchObject({
      reason: 'a\0b',
      body: '/wA=',
      body_encoding: 'base64',
    });
  });

  it('shows the beginning of a body that no answer could carry, and keeps all of it', async () => {
    await world.startReplica();
    await storeLetters(database, [letter(1, { content: Buffer.from('ä'.repeat(10_000_000)) })]);
    const [listed] = await list();

    const shown = await world.ask('dead-letter.get', { project, id: listed?.id ?? '' });

    expect(shown).toMatchObject({ bytes: 20_000_000, truncated: true, body_encoding: 'utf8' });
    expect(shown.body).toBe('ä'.repeat(128 * 1024));
  });

  it('are bounded in bytes: the oldest go', async () => {
    const content = Buffer.alloc(1_000, 'x');
    await storeLetters(
      database,
      [1, 2, 3, 4].map((position) => letter(position, { content })),
    );

    expect(await trimLetters(database, 3_000)).toBe(2);

    expect(
      (await listLetters(database, undefined, 10)).map(({ letter: { headers } }) => headers['cloudEvents:id']),
    ).toEqual(['m4', 'm3']);
  });
});
