import fc from 'fast-check';
import type { Amounts } from '../resource-pool';
import { choosePool, objectives, type Choice, type Demand, type OfferedPool } from './choose-pool';
import { capacityOf } from './site-config';
import { leastSite, poolOf, siteWith } from './testing/sites';

const gibibyte = 2 ** 30;
const small: Amounts = { slots: 1, cpu: 1, memory_bytes: gibibyte, gpu: 0 };

function demand({
  amounts,
  ...fields
}: Partial<Omit<Demand, 'amounts'>> & { amounts?: Partial<Amounts> } = {}): Demand {
  return { constraints: {}, timeMs: null, weights: {}, ...fields, amounts: { ...small, ...amounts } };
}

function offered(name: string, fields: object = {}, free: Partial<Amounts> = {}, site = 'cluster-1'): OfferedPool {
  const pool = poolOf(siteWith({ nodePools: [{ ...leastSite.nodePools[0], name, ...fields }] }), name);
  return { site, pool, free: { ...capacityOf(pool), ...free } };
}

const nameOf = ({ site, pool }: OfferedPool) => `${site}/${pool.name}`;
const chosen = (choice: Choice) => (choice.status === 'chosen' ? nameOf(choice.offered) : choice.status);

const fast = offered('fast', { scores: { time: 90, cost: 10, energy: 20 } });
const cheap = offered('cheap', { scores: { time: 20, cost: 90, energy: 50 } });
const green = offered('green', { scores: { time: 30, cost: 50, energy: 95 } });

describe('the choice of a pool', () => {
  it.each<[Demand['weights'], string]>([
    [{ time: 1 }, 'cluster-1/fast'],
    [{ cost: 1 }, 'cluster-1/cheap'],
    [{ energy: 0.1 }, 'cluster-1/green'],
    [{ time: 1, cost: 3 }, 'cluster-1/cheap'],
    [{ cost: 1, energy: 1 }, 'cluster-1/green'],
  ])('by the objectives %j is %s', (weights, expected) => {
    expect(chosen(choosePool(demand({ weights }), [fast, cheap, green]))).toBe(expected);
  });

  it('says by what it was made', () => {
    expect(choosePool(demand({ weights: { time: 1, cost: 3 } }), [fast, cheap, green])).toMatchObject({
      reasons: ['cluster-1/cheap scores 72.5 (time 20 × 1, cost 90 × 3)', 'the next, cluster-1/green, scores 45'],
    });
    expect(choosePool(demand(), [fast])).toMatchObject({ reasons: ['cluster-1/fast alone fits and has room'] });
  });

  it.each<[string, Demand['constraints']]>([
    ['edge/default', { site: 'edge' }],
    ['cluster-1/cheap', { pool: 'cheap' }],
    ['cluster-1/arm', { architecture: 'arm64' }],
  ])('is %s under the constraints %j, whatever the objectives say', (expected, constraints) => {
    const edge = offered('default', {}, {}, 'edge');
    const arm = offered('arm', { architecture: 'arm64', scores: { time: 0 } });
    const weights = { time: 1 };
    expect(chosen(choosePool(demand({ constraints, weights }), [fast, cheap, edge, arm]))).toBe(expected);
  });

  it('is not a pool without room while another one fits', () => {
    const full = { ...fast, free: { ...fast.free, slots: 0 } };
    expect(chosen(choosePool(demand({ weights: { time: 1 } }), [full, cheap]))).toBe('cluster-1/cheap');
  });

  it('leaves GPUs to those that need them', () => {
    const gpu = offered('a-gpu', { gpu: 1 });
    const choice = choosePool(demand(), [gpu, cheap]);
    expect(chosen(choice)).toBe('cluster-1/cheap');
    expect(choice).toMatchObject({ reasons: ['it asks no GPU, cluster-1/a-gpu has some'] });
    expect(chosen(choosePool(demand({ amounts: { gpu: 1 } }), [gpu, cheap]))).toBe('cluster-1/a-gpu');
  });

  it('is the emptier pool of two that are alike, then the first by name', () => {
    const busy = offered('a', {}, { slots: 1 });
    expect(choosePool(demand(), [busy, offered('b')])).toMatchObject({ reasons: ['it is emptier than cluster-1/a'] });
    expect(choosePool(demand(), [offered('b'), offered('a')])).toMatchObject({
      reasons: ['it comes before cluster-1/b by name'],
    });
  });
});

describe('an execution that fits and finds no room', () => {
  it('waits, and is told what each pool lacks', () => {
    const busy = [offered('a', {}, { slots: 0 }), offered('b', {}, { cpu: 0.5, memory_bytes: 0 })];
    expect(choosePool(demand(), [...busy.toReversed(), offered('tiny', { cpu: 0.5 })])).toEqual({
      status: 'waiting',
      fitting: busy,
      reasons: [
        'cluster-1/a has slots 0 free where it asks slots 1',
        'cluster-1/b has cpu 0.5 free where it asks cpu 1, memory 0 MiB free where it asks memory 1024 MiB',
      ],
    });
  });
});

describe('an execution that fits nowhere', () => {
  const rejection = (asked: Demand, offers: readonly OfferedPool[]) => {
    const choice = choosePool(asked, offers);
    return choice.status === 'rejected' ? choice.failure : choice.status;
  };
  const arm = offered('arm', { architecture: 'arm64', timeLimit: '1m' });

  it.each<[Demand, string]>([
    [demand({ constraints: { site: 'edge' } }), 'it asks the site edge where it has cluster-1'],
    [demand({ constraints: { pool: 'gpu' } }), 'it asks the pool gpu where it has arm'],
    [demand({ constraints: { architecture: 'amd64' } }), 'it asks the architecture amd64 where it has arm64'],
    [demand({ amounts: { cpu: 6 } }), 'it asks cpu 6 where it has 4'],
    [demand({ amounts: { memory_bytes: 9 * gibibyte } }), 'it asks memory 9216 MiB where it has 8192 MiB'],
    [demand({ amounts: { gpu: 1 } }), 'it asks gpu 1 where it has 0'],
    [demand({ timeMs: 90_000 }), 'it asks a time of 90 s where it has 60 s'],
    [demand({ amounts: { cpu: 6, gpu: 1 } }), 'it asks cpu 6 where it has 4, gpu 1 where it has 0'],
  ])('is rejected: %#', (asked, reason) => {
    expect(rejection(asked, [arm])).toMatchObject({
      kind: 'rejected',
      message: `No pool can ever run it. The nearest is cluster-1/arm: ${reason}`,
    });
  });

  it('is rejected also where all nodes together would have enough', () => {
    const many = offered('many', { nodes: 10 });
    expect(rejection(demand({ amounts: { cpu: 6 } }), [many])).toMatchObject({ kind: 'rejected' });
  });

  const nearestOf = (asked: Demand, offers: readonly OfferedPool[]) => {
    const failure = rejection(asked, offers);
    return typeof failure === 'string' ? failure : failure.details;
  };

  it('is told of the pool that is least too small', () => {
    const asked = demand({ amounts: { cpu: 6 }, constraints: { architecture: 'amd64' } });
    const pools = [offered('a', { architecture: 'amd64' }), offered('b', { cpu: 5, architecture: 'amd64' })];
    expect(nearestOf(asked, [arm, ...pools])).toEqual({
      nearest: 'cluster-1/b',
      constraints: { architecture: 'amd64' },
      unmet: [{ constraint: 'cpu', asked: 6, available: 5 }],
    });
  });

  it('is told of the pool with one thing amiss, not of one with two small ones', () => {
    const asked = demand({ amounts: { cpu: 40, memory_bytes: 8 * gibibyte } });
    const pools = [offered('a', { cpu: 39, memory: '7.9G' }), offered('b', { cpu: 4 })];
    expect(nearestOf(asked, pools)).toMatchObject({ nearest: 'cluster-1/b' });
  });

  it('is rejected where a pool takes any architecture: nobody has said that its nodes have this one', () => {
    expect(rejection(demand({ constraints: { architecture: 'arm64' } }), [fast])).toMatchObject({
      message: expect.stringContaining('the architecture arm64 where it has any'),
    });
  });

  it('is rejected where there is no pool', () => {
    expect(rejection(demand(), [])).toEqual({ kind: 'rejected', message: 'There is no pool at all' });
  });
});

describe('whatever is asked and offered', () => {
  const arch = fc.constantFrom('amd64' as const, 'arm64' as const);
  const score = fc.integer({ min: 0, max: 100 });
  const offers: fc.Arbitrary<readonly OfferedPool[]> = fc.uniqueArray(
    fc
      .record({
        site: fc.constantFrom('s1', 's2'),
        name: fc.constantFrom('a', 'b', 'c'),
        cpu: fc.integer({ min: 1, max: 4 }),
        memory: fc.integer({ min: 1, max: 4 }),
        gpu: fc.integer({ min: 0, max: 1 }),
        nodes: fc.integer({ min: 1, max: 3 }),
        timeLimitMs: fc.option(fc.integer({ min: 1, max: 100 })),
        architecture: fc.option(arch, { nil: undefined }),
        scores: fc.record({ time: score, cost: score, energy: score }),
        used: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ site, name, memory, architecture, used, ...fields }) => {
        const { architecture: _any, ...base } = fast.pool;
        const pool = { ...base, ...fields, name, memoryBytes: memory, ...(architecture && { architecture }) };
        const { slots, cpu, memory_bytes, gpu } = capacityOf(pool);
        const left = (amount: number) => Math.floor(amount * (1 - used));
        return {
          site,
          pool,
          free: { slots: left(slots), cpu: left(cpu), memory_bytes: left(memory_bytes), gpu: left(gpu) },
        };
      }),
    { selector: nameOf, maxLength: 6 },
  );
  const weight = fc.integer({ min: 0, max: 5 });
  const demands: fc.Arbitrary<Demand> = fc.record({
    constraints: fc.record(
      { site: fc.constantFrom('s1', 's2'), pool: fc.constantFrom('a', 'b'), architecture: arch },
      { requiredKeys: [] },
    ),
    amounts: fc.record({
      slots: fc.constant(1),
      cpu: fc.integer({ min: 0, max: 5 }),
      memory_bytes: fc.integer({ min: 0, max: 5 }),
      gpu: fc.constantFrom(0, 0, 0, 1),
    }),
    timeMs: fc.option(fc.integer({ min: 1, max: 100 })),
    weights: fc.record({ time: weight, cost: weight, energy: weight }, { requiredKeys: [] }),
  });

  // The rules once more, as plainly as can be.
  const fits = ({ constraints, amounts, timeMs }: Demand, { site, pool }: OfferedPool) =>
    (constraints.site ?? site) === site &&
    (constraints.pool ?? pool.name) === pool.name &&
    (constraints.architecture ?? pool.architecture) === pool.architecture &&
    amounts.cpu <= pool.cpu &&
    amounts.memory_bytes <= pool.memoryBytes &&
    amounts.gpu <= pool.gpu &&
    (timeMs ?? 0) <= (pool.timeLimitMs ?? Infinity);
  const hasRoom = ({ amounts }: Demand, { free }: OfferedPool) =>
    amounts.slots <= free.slots &&
    amounts.cpu <= free.cpu &&
    amounts.memory_bytes <= free.memory_bytes &&
    amounts.gpu <= free.gpu;
  const points = ({ weights }: Demand, { pool }: OfferedPool) =>
    objectives.reduce((sum, each) => sum + (weights[each] ?? 0) * pool.scores[each], 0);

  it('what is chosen fits, has room, and no other that does scores higher', () => {
    fc.assert(
      fc.property(demands, offers, (asked, all) => {
        const choice = choosePool(asked, all);
        const usable = all.filter((each) => fits(asked, each) && hasRoom(asked, each));
        if (choice.status !== 'chosen') return expect(usable).toEqual([]);
        expect(usable).toContain(choice.offered);
        expect(points(asked, choice.offered)).toBe(Math.max(...usable.map((each) => points(asked, each))));
        expect(choice.reasons).not.toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('it is rejected exactly where nothing fits, and then names a pool and what is unmet', () => {
    fc.assert(
      fc.property(demands, offers, (asked, all) => {
        const choice = choosePool(asked, all);
        expect(choice.status === 'rejected').toBe(!all.some((each) => fits(asked, each)));
        if (choice.status !== 'rejected' || all.length === 0) return;
        expect(all.map(nameOf)).toContain(choice.failure.details?.nearest);
        expect(choice.failure.details?.unmet).not.toEqual([]);
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
        expect(choosePool(asked, other)).toEqual(choosePool(asked, all));
      }),
    );
  });

  it('a pool that does not fit changes nothing for those that do', () => {
    fc.assert(
      fc.property(demands, offers, (asked, all) => {
        const fitting = all.filter((each) => fits(asked, each));
        fc.pre(fitting.length > 0);
        expect(choosePool(asked, all)).toEqual(choosePool(asked, fitting));
      }),
    );
  });
});
