import fc from 'fast-check';
import { plainDemand, type Demand } from './demand';
import { fittingPools, isTooLarge, lacksOf, rejectionOf, unmetBy } from './fit';
import { nameOfPool, type OfferedPool } from './pool';
import { asking, demands, offered, offers } from './testing/arbitrary-placement';

const names = (demand: Demand, pools: readonly OfferedPool[]) => fittingPools(demand, pools).map(nameOfPool);
const mebibyte = 2 ** 20;

describe('the pools that fit', () => {
  const arm = offered('arm', { architecture: 'arm64' });
  const edge = offered('small', { architecture: 'amd64' }, {}, 'edge');
  const silent = offered('gpu', null);

  it.each<[Parameters<typeof asking>, readonly string[]]>([
    [[{ constraints: { site: 'edge' } }], ['edge/small']],
    [[{ constraints: { pool: 'arm' } }], ['cluster-1/arm']],
    [[{ constraints: { architecture: 'arm64' } }], ['cluster-1/arm']],
    [[{ constraints: { pool: 'gpu' } }, { cpu: 99 }], ['cluster-1/gpu']],
    [[{ constraints: { site: 'cluster-1' }, objectives: { time: 1 } }], ['cluster-1/arm']],
    [
      [{}, { cpu: 4 }],
      ['cluster-1/arm', 'edge/small'],
    ],
    [[{}, { cpu: 5 }], []],
  ])('of %j are %j', (asked, expected) => {
    expect(names(asking(...asked), [arm, edge, silent])).toEqual(expected);
  });

  it('of plain work is one named default, where its site has one that is large enough', () => {
    const pools = [offered('default'), offered('large', { node: { cpu: 9, memory_bytes: 9, gpu: 0 } }), edge];
    expect(names(plainDemand, pools)).toEqual(['cluster-1/default', 'edge/small']);
    expect(names(asking({}, { cpu: 8 }), pools)).toEqual(['cluster-1/large']);
    expect(names(asking({ objectives: { cost: 1 } }), pools)).toHaveLength(3);
    expect(names(asking({ constraints: { site: 'cluster-1' } }), pools)).toHaveLength(2);
  });

  it('of plain work is one named default, whoever describes it', () => {
    expect(names(plainDemand, [offered('default', null), silent])).toEqual(['cluster-1/default']);
  });

  it('are those that meet all that is asked, be there others or not', () => {
    const meets = ({ lane: { constraints }, cpu, memory_bytes, gpu, timeMs }: Demand, pool: OfferedPool) => {
      const { traits } = pool;
      const isNamed = (constraints.site ?? pool.site) === pool.site && (constraints.pool ?? pool.name) === pool.name;
      if (traits === null) {
        return isNamed && constraints.architecture === undefined && pool.name === (constraints.pool ?? 'default');
      }
      const { node } = traits;
      return (
        isNamed &&
        (constraints.architecture ?? traits.architecture) === traits.architecture &&
        cpu <= node.cpu &&
        memory_bytes <= node.memory_bytes &&
        gpu <= node.gpu &&
        (timeMs ?? 0) <= (traits.timeLimitMs ?? Infinity)
      );
    };
    fc.assert(
      fc.property(demands, offers, (asked, all) => {
        const meeting = all.filter((each) => meets(asked, each));
        const fitting = fittingPools(asked, all);
        expect(meeting).toEqual(expect.arrayContaining([...fitting]));
        const kept = meeting.filter((each) => !fitting.includes(each));
        for (const each of kept) {
          expect(asked.lane.isPlain && each.name !== 'default').toBe(true);
          expect(fitting.some(({ site, name }) => site === each.site && name === 'default')).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an execution that fits nowhere', () => {
  const pool = offered('x', {
    architecture: 'arm64',
    timeLimitMs: 60_000,
    node: { cpu: 4, memory_bytes: 512 * mebibyte, gpu: 0 },
  });

  it.each<[Parameters<typeof asking>, string]>([
    [[{ constraints: { site: 'edge' } }], 'for the site edge where it has cluster-1'],
    [[{ constraints: { pool: 'gpu' } }], 'for the pool gpu where it has x'],
    [[{ constraints: { architecture: 'amd64' } }], 'for the architecture amd64 where it has arm64'],
    [[{}, { cpu: 6 }], 'for cpu 6 where it has 4'],
    [[{}, { memory_bytes: 1024 * mebibyte }], 'for memory 1024 MiB where it has 512 MiB'],
    [[{}, { gpu: 1 }], 'for gpu 1 where it has 0'],
    [[{}, {}, 90_000], 'for a time of 90 s where it has 60 s'],
    [[{}, { cpu: 6, gpu: 1, time_ms: 1 }, 90_000], 'for cpu 6 where it has 4, for gpu 1 where it has 0'],
  ])('is rejected: %#', (asked, reason) => {
    expect(rejectionOf(asking(...asked), [pool])).toMatchObject({
      kind: 'rejected',
      message: `No pool can run it: cluster-1/x is asked ${reason}`,
      details: { pools: [{ pool: 'cluster-1/x' }] },
    });
  });

  it('is told of each pool, the nearest first, of many only some', () => {
    const asked = asking({ constraints: { architecture: 'amd64' } }, { cpu: 6 });
    const near = offered('b', { architecture: 'amd64', node: { cpu: 5, memory_bytes: 1, gpu: 0 } });
    const far = offered('a', { architecture: 'amd64' });
    expect(lacksOf(asked, [pool, far, near])).toBe(
      'cluster-1/b is asked for cpu 6 where it has 5; cluster-1/a is asked for cpu 6 where it has 4; ' +
        'cluster-1/x is asked for the architecture amd64 where it has arm64, for cpu 6 where it has 4',
    );
    const many = Array.from({ length: 20 }, (_, at) => offered(`p${at}`));
    expect(lacksOf(asked, many)).toMatch(/; and 12 more$/);
  });

  it('is rejected where a pool takes any architecture: nobody has said that its nodes have this one', () => {
    const asked = asking({ constraints: { architecture: 'arm64' } });
    expect(lacksOf(asked, [offered('any')])).toContain('for the architecture arm64 where it has any');
  });

  it('is too large where some pool is all that it asks for by name, and only then', () => {
    const asked = asking({ constraints: { pool: 'x' } }, { cpu: 6 });
    expect([isTooLarge(asked, [pool]), isTooLarge(asked, [offered('y')])]).toEqual([true, false]);
    expect(isTooLarge(plainDemand, [offered('gpu', null)])).toBe(false);
  });

  it('is rejected where there is no pool', () => {
    expect(rejectionOf(plainDemand, [])).toEqual({ kind: 'rejected', message: 'There is no pool at all' });
  });

  it('is told something of every pool', () => {
    fc.assert(
      fc.property(demands, offers, (asked, all) => {
        fc.pre(all.length > 0 && fittingPools(asked, all).length === 0);
        const { message } = rejectionOf(asked, all);
        for (const each of all) expect(message).toContain(nameOfPool(each));
        expect(all.every((each) => unmetBy(asked, each).length > 0 || each.traits === null)).toBe(true);
      }),
    );
  });
});
