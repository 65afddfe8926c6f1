import { exchanges } from '@ryax/contracts';
import { Client } from 'pg';
import { createTestDatabase, waitFor } from '@ryax/testing';
import { createWorld, type Replica, type World } from '../testing/stores';
import { runStarted, runSucceeded } from '../testing/written-streams';
import { slowPollMs } from './log-reader';
import { Wakes } from './wakes';

describe('replicas of the state store', () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.end();
  });

  async function startActive(): Promise<Replica> {
    const replica = await world.startReplica();
    await waitFor(() => replica.store.isActive);
    return replica;
  }

  const wake = (position: number) =>
    world.broker.publish({ exchange: exchanges.wakes.name, routingKey: '' }, [
      { id: 'w', type: 'log.wake', source: 'runner', project: 'default', data: { position } },
    ]);
  const checkpoint = (reader: string) => world.eventLog.readers.position(reader);
  const areAt = (position: number) =>
    waitFor(async () => (await checkpoint('relay')) === position && (await checkpoint('projections')) === position, {
      describe: `both readers to reach ${position}`,
    });

  it('have one active among them; both answer', async () => {
    await startActive();
    const second = await world.startReplica();
    await world.streams.run('r1', runStarted('r1'));
    const asked = Array.from({ length: 20 }, () => world.askFresh('run.list', { project: 'default' }));
    expect(new Set((await Promise.all(asked)).map(({ items }) => items.length))).toEqual(new Set([1]));
    expect(second.store.isActive).toBe(false);
  });

  it('the second takes over when the first is stopped, and goes on from its checkpoints', async () => {
    const first = await startActive();
    const second = await world.startReplica();
    const before = await world.streams.run('r1', runStarted('r1'));
    await waitFor(async () => (await checkpoint('relay')) === before);

    await first.stop();
    const after = await world.streams.run('r1', runSucceeded());

    await waitFor(() => second.store.isActive);
    await areAt(after);
    expect(await world.askFresh('run.list', { project: 'default' })).toMatchObject({ items: [{ state: 'succeeded' }] });
  });

  it('the second takes over when the first loses its connection to the database', async () => {
    world.expectComplaints();
    const first = await startActive();
    const second = await world.startReplica();
    const killed = await world.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks 
       WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(killed).toHaveLength(1);
    const position = await world.streams.run('r1', runStarted('r1'));
    await waitFor(async () => (await checkpoint('projections')) === position);
    await waitFor(() => first.store.isActive !== second.store.isActive, { describe: 'exactly one to be active' });
  });

  it('follow the log as soon as they are woken, without polling', async () => {
    const { sleep } = Wakes.prototype;
    // It polls once an hour: nothing is waited for that comes of it.
    jest.spyOn(Wakes.prototype, 'sleep').mockImplementation(function (this: Wakes, seen, ms, signal) {
      return sleep.call(this, seen, ms === slowPollMs ? 3_600_000 : ms, signal);
    });
    await startActive();
    for (const run of ['r1', 'r2']) {
      const position = await world.streams.run(run, runStarted(run));
      await wake(position);
      await areAt(position);
    }
  });

  it('drop what they have folded when the database turns out to be another one', async () => {
    world.expectComplaints();
    const { eventLog, metrics } = await startActive();
    const actions = [{ id: 'nap', action: 'core/noop' }];
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'quakes', actions } };
    const { hash } = await world.files.put(JSON.stringify({ definition, actions: {} }));
    await world.streams.run('r1', runStarted('r1', { definition_hash: hash }));
    await world.ask('run.get', { project: 'default', run_id: 'r1' });
    const cachedBytes = async () => /ryax_store_run_cache_bytes (\d+)/.exec(await metrics.registry.metrics())?.[1];
    expect(Number(await cachedBytes())).toBeGreaterThan(0);

    const query = () => Promise.resolve({ rows: [{ system_identifier: 'another', timeline: 2 }] });
    await eventLog.identity.check({ query } as unknown as Client);

    expect(await cachedBytes()).toBe('0');
    expect(await world.ask('run.get', { project: 'default', run_id: 'r1' })).toMatchObject({ version: 1 });
  });

  it('answer everything in hand before they stop, waits included', async () => {
    const replica = await startActive();
    await world.streams.run('r1', runStarted('r1'));
    const waiting = world.ask('run.history', { project: 'default', run_id: 'r1', after_version: 1, wait_ms: 30_000 });
    await waitFor(async () => {
      const figures = await replica.metrics.registry.metrics();
      return figures.includes('ryax_store_history_waiters 1');
    });
    await replica.stop();
    expect(await waiting).toEqual({ events: [], head_version: 1, open: true });
  });

  it('cost at most two queries a second while nothing happens', async () => {
    await startActive();
    const position = await world.streams.run('r1', runStarted('r1'));
    await areAt(position);
    const query = jest.spyOn(Client.prototype, 'query');
    const areAsked = (count: number) => waitFor(() => query.mock.calls.length >= count, { timeoutMs: 60_000 });
    await areAsked(1);
    const began = performance.now();
    await areAsked(10);
    expect((performance.now() - began) / 1_000).toBeGreaterThanOrEqual(9 / 2);
  });
});
