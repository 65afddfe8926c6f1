import { exchanges, outwardEventSchema, streamId, type OutwardEvent } from '@ryax/contracts';
import type { Readers } from '@ryax/event-log';
import { createTestDatabase, waitFor } from '@ryax/testing';
import { Projections } from '../projections/projections';
import { Shard } from '../tail/shard';
import { Wakes } from '../tail/wakes';
import { createWorld, silentLog, type World } from '../testing/stores';
import { runStarted, runSucceeded, scheduled, succeeded, workflowDeployed } from '../testing/written-streams';
import { Relay } from './relay';

describe(Relay.name, () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
  });
  afterEach(() => world.end());

  /** What somebody outside receives of the routing keys that fit. */
  async function listen(pattern = '#'): Promise<OutwardEvent[]> {
    const received: OutwardEvent[] = [];
    const bindings = [{ exchange: exchanges.events.name, routingKey: pattern }];
    await world.broker.declare([{ name: `outside.${pattern}`, kind: 'own', bindings }]);
    await world.broker.consume(`outside.${pattern}`, { prefetch: 10_000, maxBatch: 1_000 }, async (batch) => {
      for (const delivery of batch) {
        received.push(outwardEventSchema.parse(delivery.message.data));
        delivery.ack();
      }
      return Promise.resolve();
    });
    return received;
  }

  const names = (events: readonly OutwardEvent[]) => events.map(({ stream, version }) => `${stream}/${version}`);

  it('relays every event in position order, under project, kind and name', async () => {
    const all = await listen();
    const ends = await listen('default.run.succeeded');
    await world.startReplica();
    await world.streams.append(streamId('workflow', 'default', 'w'), workflowDeployed('w', 1));
    await world.streams.run('r1', runStarted('r1'), scheduled('fit'));
    await world.streams.run('r2', runStarted('r2'));
    await world.streams.run('r1', succeeded('fit'), runSucceeded());

    await waitFor(() => all.length === 6);

    expect(names(all)).toEqual([
      'workflow:default:w/1',
      'run:default:r1/1',
      'run:default:r1/2',
      'run:default:r2/1',
      'run:default:r1/3',
      'run:default:r1/4',
    ]);
    await waitFor(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ type: 'RunSucceeded', stream: 'run:default:r1', version: 4 });
  });

  it('relays every event in order and repeats after a crash between confirm and checkpoint', async () => {
    const received = await listen();
    const { tail, readers } = world.eventLog;
    await world.streams.run('r1', runStarted('r1'), scheduled('fit'));
    const crashing: Readers = {
      position: (name) => readers.position(name),
      advance: () => Promise.reject(new Error('killed')),
    };
    const crashed = new Relay(tail, crashing, world.broker);
    await crashed.resume();
    await expect(crashed.step()).rejects.toThrow('killed');

    await world.streams.run('r1', succeeded('fit'));
    const successor = new Relay(tail, readers, world.broker);
    await successor.resume();
    while ((await successor.step()) === 'moved');

    await waitFor(() => received.length === 5);
    expect(received.map(({ version }) => version)).toEqual([1, 2, 1, 2, 3]);
    expect(await readers.position('relay')).toBe(received.at(-1)?.position);
  });

  it('does not move its checkpoint past what was not confirmed', async () => {
    const { tail, readers } = world.eventLog;
    await world.streams.run('r1', runStarted('r1'), scheduled('fit'));
    let refused = 'run:default:r1/2';
    const relay = new Relay(tail, readers, {
      publish: (target, messages, options) =>
        messages[0].id === refused
          ? Promise.reject(new Error('refused'))
          : world.broker.publish(target, messages, options),
    });
    await relay.resume();

    await expect(relay.step()).rejects.toThrow('refused');
    expect(await readers.position('relay')).toBe(0);

    refused = '';
    expect(await relay.step()).toBe('moved');
    expect(await readers.position('relay')).toBeGreaterThan(0);
  });

  it('lets what else its process does have a turn while it publishes a page, before anything of it is confirmed', async () => {
    const { tail, readers } = world.eventLog;
    await world.streams.run('r1', runStarted('r1'), ...Array.from({ length: 119 }, () => scheduled('fit')));
    let published = 0;
    const byTurn: number[] = [];
    const relay = new Relay(tail, readers, {
      publish: () => {
        if (published++ === 0) countTurns();
        return allSent;
      },
    });
    let confirm = (): void => undefined;
    const allSent = new Promise<void>((resolve) => (confirm = resolve));
    const countTurns = () =>
      setImmediate(() => {
        byTurn.push(published);
        if (published < 120) countTurns();
        else confirm();
      });
    await relay.resume();

    expect(await relay.step()).toBe('moved');

    expect(byTurn).toEqual([50, 100, 120]);
  });

  it('sends no more of a page once something of it has failed', async () => {
    const { tail, readers } = world.eventLog;
    await world.streams.run('r1', runStarted('r1'), ...Array.from({ length: 119 }, () => scheduled('fit')));
    let published = 0;
    const relay = new Relay(tail, readers, {
      publish: () => (++published === 7 ? Promise.reject(new Error('refused')) : Promise.resolve()),
    });
    await relay.resume();

    await expect(relay.step()).rejects.toThrow('refused');

    expect(published).toBe(50);
  });

  it('of two relays at one checkpoint only one moves it', async () => {
    const { tail, readers } = world.eventLog;
    await world.streams.run('r1', runStarted('r1'));
    const [first, second] = [new Relay(tail, readers, world.broker), new Relay(tail, readers, world.broker)];
    await first.resume();
    await second.resume();
    expect(await first.step()).toBe('moved');
    await expect(second.step()).rejects.toThrow('Expected reader relay at position 0');
  });

  it('lets the projections go on while the broker takes nothing, and catches up', async () => {
    const { tail, readers, database, locks } = world.eventLog;
    let isDown = true;
    const relay = new Relay(tail, readers, {
      publish: (target, messages, options) =>
        isDown ? Promise.reject(new Error('no broker')) : world.broker.publish(target, messages, options),
    });
    const shard = new Shard('test', locks, [new Projections(tail, readers, database), relay], new Wakes(), silentLog);
    const position = await world.streams.run('r1', runStarted('r1'));
    const stop = new AbortController();
    const running = shard.run(stop.signal);

    await waitFor(async () => (await readers.position('projections')) === position);
    expect(await readers.position('relay')).toBe(0);
    isDown = false;
    await waitFor(async () => (await readers.position('relay')) === position);

    stop.abort();
    await running;
  });
});
