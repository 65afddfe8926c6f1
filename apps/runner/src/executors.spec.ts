import type { Beat, PoolKind } from '@ryax/contracts';
import { ExecutorRegistry, workerKey } from './executors';

const options = { patienceMs: 10_000, maxGapMs: 2_000 };

function beat(incarnation: string, slots = 4, site = 'local'): Beat {
  const amounts = { slots, cpu: 2, memory_bytes: 1, gpu: 0 };
  return {
    executor: 'host',
    incarnation,
    site,
    pools: [{ name: 'default', ...amounts, free: amounts }],
    sent: 0,
    schema_max: 1,
  };
}

/** Hears our own beat each second, from one time to another. */
function hearSelf(registry: ExecutorRegistry, fromMs: number, toMs: number): void {
  for (let at = fromMs; at <= toMs; at += 1_000) registry.heardSelf(at);
}

describe('ExecutorRegistry', () => {
  describe('places a start', () => {
    const busy = (outstanding: Readonly<Record<string, number>>) => (incarnation: string) =>
      outstanding[incarnation] ?? 0;
    const placed = (registry: ExecutorRegistry, outstanding: Readonly<Record<string, number>> = {}) =>
      registry.place('local', 'default', busy(outstanding));

    it('with the executor that has most slots left', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('small', 2));
      registry.heard(beat('large', 4));
      expect(placed(registry)).toBe('large');
      expect(placed(registry, { large: 3 })).toBe('small');
    });

    it('with each in turn where they have as many left', () => {
      const registry = new ExecutorRegistry(options);
      for (const name of ['e1', 'e2']) registry.heard(beat(name));
      expect(new Set([placed(registry), placed(registry)])).toEqual(new Set(['e1', 'e2']));
    });

    it('with always the same of those, where it is of a handler: for each handler one, for all of them each', () => {
      const [one, other] = [new ExecutorRegistry(options), new ExecutorRegistry(options)];
      for (const name of ['e1', 'e2', 'busy']) one.heard(beat(name));
      for (const name of ['busy', 'e2', 'e1']) other.heard(beat(name));
      const at = (registry: ExecutorRegistry, handler: string) =>
        registry.place('local', 'default', busy({ busy: 1 }), handler);
      const handlers = Array.from({ length: 40 }, (_, number) => workerKey('default', `sha256:${number}`));
      for (const handler of handlers) {
        const chosen = at(one, handler);
        expect([at(one, handler), at(other, handler)]).toEqual([chosen, chosen]);
      }
      expect(new Set(handlers.map((handler) => at(one, handler)))).toEqual(new Set(['e1', 'e2']));
    });

    it('with none of another site, of another pool, or that leaves', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('elsewhere', 4, 'remote'));
      registry.heard(beat('leaving', 0));
      expect(placed(registry)).toBeUndefined();
      expect(registry.place('remote', 'gpu', busy({}))).toBeUndefined();
    });

    it('with none that the broker has no queue of, until it is heard again', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('e1'));
      registry.missed('e1');
      expect([placed(registry), registry.pools]).toEqual([undefined, []]);
      expect(registry.isAlive('e1')).toBe(true);
      registry.heard(beat('e1'));
      expect(placed(registry)).toBe('e1');
    });
  });

  it('holds an executor for dead after our patience, heard by ourselves all the time', () => {
    const registry = new ExecutorRegistry(options);
    registry.heard(beat('e1'));
    hearSelf(registry, 0, 10_000);
    expect(registry.isDead('e1')).toBe(false);
    hearSelf(registry, 11_000, 11_000);
    expect(registry.isDead('e1')).toBe(true);
    expect(registry.alive()).toEqual([]);
  });

  it('proves nothing by the silence of a broker that was down for an hour', () => {
    const registry = new ExecutorRegistry(options);
    registry.heardSelf(0);
    registry.heard(beat('e1'));
    registry.heardSelf(3_600_000);
    expect(registry.isAlive('e1')).toBe(true);
  });

  it('does not call an executor dead that it has never heard of', () => {
    expect(new ExecutorRegistry(options).isDead('stranger')).toBe(false);
  });

  it('gives an executor that others knew its patience from the start', () => {
    const registry = new ExecutorRegistry(options);
    registry.presume({
      executor: 'host',
      incarnation: 'before',
      site: 'local',
      pools: [],
      kinds: [],
      keepsWork: false,
    });
    hearSelf(registry, 0, 5_000);
    expect(registry.isAlive('before')).toBe(true);
    hearSelf(registry, 6_000, 11_000);
    expect(registry.isDead('before')).toBe(true);
  });

  describe('knows a site for one that keeps work', () => {
    const traits = (keeps_work: boolean) => ({ executor: 'host', incarnation: 'e1', site: 'local', keeps_work });

    it('by what an executor says before its beat, as long as the beats go on, and when it is forgotten', () => {
      const registry = new ExecutorRegistry(options);
      registry.heardTraits(traits(true));
      for (let count = 0; count < 2; count++) registry.heard(beat('e1'));
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([true, true]);
      hearSelf(registry, 0, 1_000_000);
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([false, true]);
    });

    it('by what others knew of an executor that we have heard before without it', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('e1'));
      registry.presume({ executor: 'host', incarnation: 'e1', site: 'local', pools: [], kinds: [], keepsWork: true });
      registry.presume({ executor: 'host', incarnation: 'e1', site: 'local', pools: [], kinds: [], keepsWork: false });
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([true, true]);
      expect(registry.pools).toMatchObject([{ capacity: { slots: 4 } }]);
    });

    it('by one that is long dead', () => {
      const registry = new ExecutorRegistry(options);
      registry.rememberKept('local');
      registry.heard(beat('e2'));
      expect([registry.isKeeping('e2'), registry.keepsWork('local'), registry.keepsWork('far')]).toEqual([
        false,
        true,
        false,
      ]);
    });

    it('by nothing else', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('e1'));
      registry.heardTraits(traits(false));
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([false, false]);
    });
  });

  it('does not take traits for a beat: whoever sends no beats is dead, and is given nothing', () => {
    const registry = new ExecutorRegistry(options);
    for (let at = 0; at <= 11_000; at += 1_000) {
      registry.heardTraits({ executor: 'host', incarnation: 'e1', site: 'local', keeps_work: true });
      registry.heardSelf(at);
    }
    expect([registry.isDead('e1'), registry.place('local', 'default', () => 0)]).toEqual([true, undefined]);
  });

  describe('tells of pools', () => {
    const kind = (more: Partial<PoolKind> = {}): PoolKind => ({
      name: 'default',
      architecture: 'amd64',
      scores: { time: 1, cost: 2, energy: 3 },
      time_limit_ms: 60_000,
      node: { cpu: 2, memory_bytes: 1, gpu: 0 },
      ...more,
    });
    const describes = (incarnation: string, more?: Partial<PoolKind>) => ({
      ...{ executor: 'host', incarnation, site: 'local' },
      pools: [kind(more)],
    });

    it('what its executors that live offer together, of each site apart', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('e1', 4));
      registry.heard(beat('e2', 8));
      registry.heard(beat('e3', 16, 'far'));
      expect(registry.pools).toMatchObject([
        { site: 'local', name: 'default', traits: null, capacity: { slots: 12, cpu: 4 }, free: { slots: 12, cpu: 4 } },
        { site: 'far', name: 'default', traits: null, capacity: { slots: 16, cpu: 2 } },
      ]);
      hearSelf(registry, 0, 11_000);
      expect([registry.pools, registry.rememberedPools.length]).toEqual([[], 2]);
    });

    it('what they are like, as was said before the beat and is known from then on', () => {
      const registry = new ExecutorRegistry(options);
      registry.heardPools(describes('e1'));
      expect(registry.pools).toEqual([]);
      for (let count = 0; count < 2; count++) registry.heard(beat('e1'));
      const { name: _, time_limit_ms: timeLimitMs, ...traits } = kind();
      expect(registry.pools).toMatchObject([{ traits: { ...traits, timeLimitMs } }]);
    });

    it('that they can do what one of their machines can, and are of a kind where all are', () => {
      const registry = new ExecutorRegistry(options);
      registry.heardPools(describes('e1'));
      registry.heardPools(
        describes('e2', { architecture: 'arm64', time_limit_ms: null, node: { cpu: 1, memory_bytes: 9, gpu: 1 } }),
      );
      for (const incarnation of ['e1', 'e2', 'silent']) registry.heard(beat(incarnation));
      const node = { cpu: 2, memory_bytes: 9, gpu: 1 };
      expect(registry.pools).toMatchObject([{ traits: { architecture: null, timeLimitMs: null, node } }]);
    });

    it('anew when something of them has changed, and only then', () => {
      const registry = new ExecutorRegistry(options);
      registry.heard(beat('e1'));
      const { pools } = registry;
      registry.presume({ executor: 'host', incarnation: 'e1', site: 'local', pools: [], kinds: [], keepsWork: false });
      expect(registry.pools).toBe(pools);
      registry.missed('e1');
      expect(registry.pools).toEqual([]);
    });
  });

  it('places what was handed out before pools had names with any executor of the site', () => {
    const registry = new ExecutorRegistry(options);
    registry.heard({ ...beat('e1'), pools: beat('e1').pools.map((pool) => ({ ...pool, name: 'cpu' })) });
    const idle = () => 0;
    expect([registry.place('local', 'default', idle), registry.place('local', 'gpu', idle)]).toEqual(['e1', undefined]);
  });
});
