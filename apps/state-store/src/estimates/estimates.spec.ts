import { createTestDatabase } from '@ryax/testing';
import { createWorld, type World } from '../testing/stores';
import { runStarted, scheduled, succeeded } from '../testing/written-streams';

const project = 'default';

describe('estimates', () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
    await world.startReplica();
  });
  afterEach(() => world.end());

  const command = (name: string) => ({ container: { image: 'alpine', command: [name] } });

  async function define(...actions: readonly object[]): Promise<string> {
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'quakes', actions } };
    return (await world.files.put(JSON.stringify({ definition, actions: {} }))).hash;
  }

  async function executors(slots: number): Promise<void> {
    const pool = {
      name: 'default',
      slots,
      cpu: 8,
      memory_bytes: 1e9,
      gpu: 0,
      free: { slots, cpu: 8, memory_bytes: 1e9, gpu: 0 },
    };
    await world.eventLog.members.beat({
      id: 'e1',
      incarnation: 'e1',
      kind: 'executor',
      site: 'local',
      poolKinds: '[]',
      pools: JSON.stringify([pool]),
      wanted: '{}',
      schemaMax: 1,
      keepsWork: false,
      lock: null,
      sent: 1,
    });
  }

  async function runBefore(definition_hash: string, durations: Readonly<Record<string, number>>): Promise<void> {
    const id = `${definition_hash.slice(-6)}-${JSON.stringify(durations)}`;
    const ends = Object.entries(durations).flatMap(([execution, duration_ms]) => [
      scheduled(execution),
      succeeded(execution, { duration_ms }),
    ]);
    await world.streams.run(id, runStarted(id, { definition_hash }), ...ends);
    await world.askFresh('run.list', { project });
  }

  const estimate = (definition_hash: string) => world.ask('run.estimate', { project, definition_hash, inputs: {} });

  it('knows nothing of actions that were never seen, and says so', async () => {
    await executors(2);
    const { confidence, basis } = await estimate(await define({ id: 'fit', ...command('fit') }));
    expect(confidence).toBe(0);
    expect(basis).toContain('1 actions without an earlier duration');
  });

  it('takes the durations of earlier runs, one after the other or side by side as slots allow', async () => {
    const definition = await define({ id: 'a', ...command('a') }, { id: 'b', ...command('b') });
    await runBefore(definition, { a: 1_000, b: 3_000 });
    await runBefore(definition, { a: 1_001, b: 3_001 });

    await executors(2);
    const parallel = await estimate(definition);
    expect(parallel.confidence).toBe(1);
    expect(parallel.duration_ms).toBeCloseTo(3_000, -2);
    expect(parallel.range_ms).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('counts the slots of live executors', async () => {
    const definition = await define({ id: 'a', ...command('a') }, { id: 'b', ...command('b') });
    await runBefore(definition, { a: 1_000, b: 3_000 });
    await executors(1);
    expect((await estimate(definition)).duration_ms).toBeCloseTo(4_000, -2);
  });

  it('knows an action from other definitions that ran it, under whatever id', async () => {
    await executors(2);
    await runBefore(await define({ id: 'slow', ...command('fit') }), { slow: 5_000 });
    const changed = await define({ id: 'renamed', ...command('fit') });
    expect(await estimate(changed)).toMatchObject({ duration_ms: 5_000, confidence: 1 });
  });

  it('prefers what runs of the definition itself have shown', async () => {
    await executors(2);
    await runBefore(await define({ id: 'slow', ...command('fit') }), { slow: 5_000 });
    const own = await define({ id: 'own', ...command('fit') });
    await runBefore(own, { own: 100 });
    expect(await estimate(own)).toMatchObject({ duration_ms: 100 });
  });

  it('finds no definition that is none', async () => {
    await expect(estimate(`sha256:${'a'.repeat(64)}`)).rejects.toThrow('not-found: Expected a definition');
  });
});
