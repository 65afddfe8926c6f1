import type { Beat, PoolKind } from '@ryax/contracts';
import { demandOf, plainDemand } from '@ryax/workflow';
import { ExecutorRegistry, workerKey, type Placing, type Surroundings } from './executors';
import { ownerOf } from './partitions';
import { alone } from './testing/alone';

const options = { patienceMs: 10_000, maxGapMs: 2_000 };

const placing: Placing = { site: 'local', pool: 'default', demand: plainDemand, givenBack: [], handler: undefined };

function beat(incarnation: string, slots = 4, site = 'local', freeSlots = slots): Beat {
  const amounts = { slots, cpu: 2, memory_bytes: 1, gpu: 0 };
  return {
    executor: 'host',
    incarnation,
    site,
    pools: [{ name: 'default', ...amounts, free: { ...amounts, slots: freeSlots } }],
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
    let outstanding: Record<string, number>;
    const opened = (of: Partial<Surroundings> = {}) =>
      new ExecutorRegistry(options, { ...alone, outstandingAt: (incarnation) => outstanding[incarnation] ?? 0, ...of });
    beforeEach(() => {
      outstanding = {};
    });

    it('with the executor that has most slots left beside what it has been sent', () => {
      const registry = opened();
      registry.heard(beat('small', 2));
      registry.heard(beat('large', 4));
      expect(registry.place(placing)).toBe('large');
      outstanding['large'] = 3;
      expect(registry.place(placing)).toBe('small');
    });

    it('with one that has slots free, as it says, before one that others have filled', () => {
      const registry = opened();
      registry.heard(beat('full', 8, 'local', 0));
      registry.heard(beat('free', 1));
      expect(registry.place(placing)).toBe('free');
    });

    it('with one that has what was sent to it before its beat still on its way, as if it had it', () => {
      const registry = opened();
      outstanding['e1'] = 2;
      for (const name of ['e1', 'e2']) registry.heard(beat(name, 2));
      expect(registry.place(placing)).toBe('e2');
      outstanding['e1'] = 0;
      outstanding['e2'] = 1;
      expect(registry.place(placing)).toBe('e1');
    });

    it('with each in turn where they have as many left', () => {
      const registry = opened();
      for (const name of ['e1', 'e2']) registry.heard(beat(name));
      expect(new Set([registry.place(placing), registry.place(placing)])).toEqual(new Set(['e1', 'e2']));
    });

    it('with always the same of those, where it is of a handler: for each handler one, for all of them each', () => {
      outstanding['busy'] = 1;
      const [one, other] = [opened(), opened({ rank: { index: 1, count: 3 } })];
      for (const name of ['e1', 'e2', 'busy']) one.heard(beat(name));
      for (const name of ['busy', 'e2', 'e1']) other.heard(beat(name));
      const at = (registry: ExecutorRegistry, handler: string) => registry.place({ ...placing, handler });
      const handlers = Array.from({ length: 40 }, (_, number) => workerKey('default', `sha256:${number}`));
      for (const handler of handlers) {
        const chosen = at(one, handler);
        expect([at(one, handler), at(other, handler)]).toEqual([chosen, chosen]);
      }
      expect(new Set(handlers.map((handler) => at(one, handler)))).toEqual(new Set(['e1', 'e2']));
    });

    it('of one handler with as many executors as there are slots, several runners at once that know nothing of each other', () => {
      const chosen = [0, 1, 2].map((index) => {
        const registry = opened({ rank: { index, count: 3 } });
        for (const name of ['e1', 'e2', 'e3']) registry.heard(beat(name, 1));
        return registry.place({ ...placing, handler: workerKey('default', 'sha256:1') });
      });
      expect(chosen.sort()).toEqual(['e1', 'e2', 'e3']);
    });

    describe('that was given back', () => {
      const handler = workerKey('default', 'sha256:1');
      const large = demandOf({}, { gpu: 1 }, null);
      const withGpus = (incarnation: string, gpu: number): Beat => {
        const said = beat(incarnation);
        return { ...said, pools: said.pools.map((pool) => ({ ...pool, gpu: 1, free: { ...pool.free, gpu } })) };
      };
      const both = ['e1', 'e2'];
      const first = ownerOf(handler, both) ?? '';
      const second = both.find((each) => each !== first) ?? '';

      it('not with who has given it back before that has said, in a later beat, that there is room for it', () => {
        const registry = opened();
        for (const name of [first, second]) registry.heard(withGpus(name, 1));
        const again = { ...placing, handler, demand: large };
        expect(registry.place(again)).toBe(first);
        const givenBack = [{ by: first, beats: registry.beatsOf(first) }];
        expect(registry.place({ ...again, givenBack })).toBe(second);
        registry.heard(withGpus(first, 0));
        expect(registry.place({ ...again, givenBack })).toBe(second);
        // What it says to be free may be reserved by others: first it is tried where it was not given back.
        registry.heard(withGpus(first, 1));
        expect(registry.place({ ...again, givenBack })).toBe(second);
        registry.heard(withGpus(second, 0));
        expect(registry.place({ ...again, givenBack })).toBe(first);
      });

      it('with who has given it back where all have: there it has its place in the line', () => {
        const registry = opened();
        registry.heard(beat('e1', 4, 'local', 0));
        const givenBack = [{ by: 'e1', beats: registry.beatsOf('e1') }];
        expect(registry.place({ ...placing, givenBack })).toBe('e1');
      });
    });

    it('with none of another site, of another pool, or that leaves', () => {
      const registry = opened();
      registry.heard(beat('elsewhere', 4, 'remote'));
      registry.heard(beat('leaving', 0));
      expect(registry.place(placing)).toBeUndefined();
      expect(registry.place({ ...placing, site: 'remote', pool: 'gpu' })).toBeUndefined();
    });

    it('with none that the broker has no queue of, until it is heard again', () => {
      const registry = new ExecutorRegistry(options, alone);
      registry.heard(beat('e1'));
      registry.missed('e1');
      expect([registry.place(placing), registry.pools]).toEqual([undefined, []]);
      expect(registry.isAlive('e1')).toBe(true);
      registry.heard(beat('e1'));
      expect(registry.place(placing)).toBe('e1');
    });
  });

  it('holds an executor for dead after our patience, heard by ourselves all the time', () => {
    const registry = new ExecutorRegistry(options, alone);
    registry.heard(beat('e1'));
    hearSelf(registry, 0, 10_000);
    expect(registry.isDead('e1')).toBe(false);
    hearSelf(registry, 11_000, 11_000);
    expect(registry.isDead('e1')).toBe(true);
    expect(registry.alive()).toEqual([]);
  });

  it('proves nothing by the silence of a broker that was down for an hour', () => {
    const registry = new ExecutorRegistry(options, alone);
    registry.heardSelf(0);
    registry.heard(beat('e1'));
    registry.heardSelf(3_600_000);
    expect(registry.isAlive('e1')).toBe(true);
  });

  it('does not call an executor dead that it has never heard of', () => {
    expect(new ExecutorRegistry(options, alone).isDead('stranger')).toBe(false);
  });

  it('gives an executor that others knew its patience from the start', () => {
    const registry = new ExecutorRegistry(options, alone);
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
      const registry = new ExecutorRegistry(options, alone);
      registry.heardTraits(traits(true));
      for (let count = 0; count < 2; count++) registry.heard(beat('e1'));
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([true, true]);
      hearSelf(registry, 0, 1_000_000);
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([false, true]);
    });

    it('by what others knew of an executor that we have heard before without it', () => {
      const registry = new ExecutorRegistry(options, alone);
      registry.heard(beat('e1'));
      registry.presume({ executor: 'host', incarnation: 'e1', site: 'local', pools: [], kinds: [], keepsWork: true });
      registry.presume({ executor: 'host', incarnation: 'e1', site: 'local', pools: [], kinds: [], keepsWork: false });
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([true, true]);
      expect(registry.pools).toMatchObject([{ capacity: { slots: 4 } }]);
    });

    it('by one that is long dead', () => {
      const registry = new ExecutorRegistry(options, alone);
      registry.rememberKept('local');
      registry.heard(beat('e2'));
      expect([registry.isKeeping('e2'), registry.keepsWork('local'), registry.keepsWork('far')]).toEqual([
        false,
        true,
        false,
      ]);
    });

    it('by nothing else', () => {
      const registry = new ExecutorRegistry(options, alone);
      registry.heard(beat('e1'));
      registry.heardTraits(traits(false));
      expect([registry.isKeeping('e1'), registry.keepsWork('local')]).toEqual([false, false]);
    });
  });

  it('does not take traits for a beat: whoever sends no beats is dead, and is given nothing', () => {
    const registry = new ExecutorRegistry(options, alone);
    for (let at = 0; at <= 11_000; at += 1_000) {
      registry.heardTraits({ executor: 'host', incarnation: 'e1', site: 'local', keeps_work: true });
      registry.heardSelf(at);
    }
    expect([registry.isDead('e1'), registry.place(placing)]).toEqual([true, undefined]);
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
      const registry = new ExecutorRegistry(options, alone);
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
      const registry = new ExecutorRegistry(options, alone);
      registry.heardPools(describes('e1'));
      expect(registry.pools).toEqual([]);
      for (let count = 0; count < 2; count++) registry.heard(beat('e1'));
      const { name: _, time_limit_ms: timeLimitMs, ...traits } = kind();
      expect(registry.pools).toMatchObject([{ traits: { ...traits, timeLimitMs } }]);
    });

    it('that they can do what one of their machines can, and are of a kind where all are', () => {
      const registry = new ExecutorRegistry(options, alone);
      registry.heardPools(describes('e1'));
      registry.heardPools(
        describes('e2', { architecture: 'arm64', time_limit_ms: null, node: { cpu: 1, memory_bytes: 9, gpu: 1 } }),
      );
      for (const incarnation of ['e1', 'e2', 'silent']) registry.heard(beat(incarnation));
      const node = { cpu: 2, memory_bytes: 9, gpu: 1 };
      expect(registry.pools).toMatchObject([{ traits: { architecture: null, timeLimitMs: null, node } }]);
    });

    it('anew when something of them has changed, and only then', () => {
      const registry = new ExecutorRegistry(options, alone);
      registry.heard(beat('e1'));
      const { pools } = registry;
      registry.presume({ executor: 'host', incarnation: 'e1', site: 'local', pools: [], kinds: [], keepsWork: false });
      expect(registry.pools).toBe(pools);
      registry.missed('e1');
      expect(registry.pools).toEqual([]);
    });
  });

  it('places what was handed out before pools had names with any executor of the site', () => {
    const registry = new ExecutorRegistry(options, alone);
    registry.heard({ ...beat('e1'), pools: beat('e1').pools.map((pool) => ({ ...pool, name: 'cpu' })) });
    expect([registry.place(placing), registry.place({ ...placing, pool: 'gpu' })]).toEqual(['e1', undefined]);
  });
});
