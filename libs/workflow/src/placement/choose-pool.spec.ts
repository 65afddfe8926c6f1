import { objectives, type Objectives } from '@ryax/contracts';
import fc from 'fast-check';
import { choosePool, reasonsOf } from './choose-pool';
import type { Demand } from './demand';
import { fittingPools } from './fit';
import { nameOfPool, type OfferedPool } from './pool';
import { demands, offers, asking, offered } from './testing/arbitrary-placement';

const fast = offered('fast', { scores: { time: 90, cost: 10, energy: 20 } });
const cheap = offered('cheap', { scores: { time: 20, cost: 90, energy: 50 } });
const green = offered('green', { scores: { time: 30, cost: 50, energy: 95 } });

function chosen(demand: Demand, pools: readonly OfferedPool[]): string | undefined {
  const pool = choosePool(demand, fittingPools(demand, pools));
  return pool === undefined ? undefined : nameOfPool(pool);
}

function reasons(demand: Demand, pools: readonly OfferedPool[]): readonly string[] {
  const fitting = fittingPools(demand, pools);
  const pool = choosePool(demand, fitting);
  return pool === undefined ? [] : reasonsOf(demand, pool, fitting);
}

describe('the choice of a pool', () => {
  it.each<[Objectives, string]>([
    [{ time: 1 }, 'cluster-1/fast'],
    [{ cost: 1 }, 'cluster-1/cheap'],
    [{ energy: 0.1 }, 'cluster-1/green'],
    [{ time: 1, cost: 3 }, 'cluster-1/cheap'],
    [{ cost: 1, energy: 1 }, 'cluster-1/green'],
  ])('by the objectives %j is %s', (weights, expected) => {
    expect(chosen(asking({ objectives: weights }), [fast, cheap, green])).toBe(expected);
  });

  it('says by what it was made', () => {
    expect(reasons(asking({ objectives: { time: 1, cost: 3 } }), [fast, cheap, green])).toEqual([
      'cluster-1/cheap scores 72.5 (time 20 × 1, cost 90 × 3)',
      'the next, cluster-1/green, scores 45',
    ]);
    expect(reasons(asking(), [fast])).toEqual(['cluster-1/fast alone fits']);
  });

  it('is none without a slot, and says which would have done better', () => {
    const full = { ...fast, free: { ...fast.free, slots: 0 } };
    const demand = asking({ objectives: { time: 1 } });
    expect(chosen(demand, [full, cheap])).toBe('cluster-1/cheap');
    expect(reasons(demand, [full, cheap])).toEqual([
      'cluster-1/cheap scores 20 (time 20 × 1)',
      'no slot is free in cluster-1/fast',
    ]);
    expect(chosen(demand, [full])).toBeUndefined();
  });

  it('is rather one whose cores are free; where none has them it waits in line where it does best', () => {
    const busy = { ...fast, free: { ...fast.free, cpu: 0.5 } };
    const demand = asking({ objectives: { time: 1 } }, { cpu: 1 });
    expect(chosen(demand, [busy, cheap])).toBe('cluster-1/cheap');
    expect(reasons(demand, [busy, cheap]).at(-1)).toBe('cluster-1/fast has not as much free as it asks');
    expect(chosen(demand, [busy, { ...cheap, free: { ...cheap.free, cpu: 0 } }])).toBe('cluster-1/fast');
  });

  it('leaves GPUs to those that need them', () => {
    const gpu = offered('a-gpu', { node: { cpu: 4, memory_bytes: 8, gpu: 1 } });
    expect(chosen(asking(), [gpu, cheap])).toBe('cluster-1/cheap');
    expect(reasons(asking(), [gpu, cheap])).toEqual(['it asks no GPU, cluster-1/a-gpu has some']);
    expect(chosen(asking({}, { gpu: 1 }), [gpu, cheap])).toBe('cluster-1/a-gpu');
  });

  it('is the emptier pool of two that are alike, then the first by name', () => {
    const busy = offered('a', {}, { slots: 1 });
    expect(reasons(asking(), [busy, offered('b')])).toEqual(['it is emptier than cluster-1/a']);
    expect(reasons(asking(), [offered('b'), offered('a')])).toEqual(['it comes before cluster-1/b by name']);
  });
});

describe('whatever is asked and offered', () => {
  const points = ({ lane }: Demand, { traits }: OfferedPool) =>
    objectives.reduce((sum, each) => sum + (lane.objectives[each] ?? 0) * (traits?.scores[each] ?? 50), 0);
  const hasRoom = ({ cpu, memory_bytes, gpu }: Demand, { free, traits }: OfferedPool) =>
    traits === null || (cpu <= free.cpu && memory_bytes <= free.memory_bytes && gpu <= free.gpu);

  it('what is chosen fits and has a slot, and no other with as much free scores higher', () => {
    fc.assert(
      fc.property(demands, offers, (asked, all) => {
        const fitting = fittingPools(asked, all);
        const usable = fitting.filter(({ free }) => free.slots >= 1);
        const pool = choosePool(asked, fitting);
        if (pool === undefined) return expect(usable).toEqual([]);
        expect(usable).toContain(pool);
        const roomy = usable.filter((each) => hasRoom(asked, each));
        const rivals = roomy.length > 0 ? roomy : usable;
        expect(rivals).toContain(pool);
        expect(points(asked, pool)).toBe(Math.max(...rivals.map((each) => points(asked, each))));
        expect(reasonsOf(asked, pool, fitting)).not.toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('the order of the offers changes nothing', () => {
    const shuffled = offers.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray([...all], { minLength: all.length })),
    );
    fc.assert(
      fc.property(demands, shuffled, (asked, [all, other]) => {
        expect(chosen(asked, other)).toBe(chosen(asked, all));
        expect(reasons(asked, other)).toEqual(reasons(asked, all));
      }),
    );
  });
});
