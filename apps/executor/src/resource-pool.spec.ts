import { ResourcePool, type Amounts, type PoolRules } from './resource-pool';

const rules: PoolRules = { waitingLimit: 10, overtakingLimit: 3, reserveAfterMs: 5_000, patienceMs: 10_000 };
const capacity: Amounts = { slots: 4, cpu: 4, memory_bytes: 1000, gpu: 1 };

function asking(asked: Partial<Amounts>): Amounts {
  return { slots: 1, cpu: 0, memory_bytes: 0, gpu: 0, ...asked };
}

describe('resource pool', () => {
  let pool: ResourcePool<string>;
  beforeEach(() => {
    pool = new ResourcePool(capacity, rules);
  });

  it('admits what fits and gives back what ended', () => {
    expect(pool.offer('a', asking({ cpu: 1.5, memory_bytes: 400, gpu: 0.5 }), 0)).toBe('admitted');
    expect(pool.free).toEqual({ slots: 3, cpu: 2.5, memory_bytes: 600, gpu: 0.5 });
    pool.release('a');
    expect(pool.free).toEqual(capacity);
  });

  it('adds up fractions of a core without drift', () => {
    const tenths = new ResourcePool<number>({ ...capacity, slots: 10, cpu: 1 }, rules);
    for (let n = 0; n < 10; n++) expect(tenths.offer(n, asking({ cpu: 0.1 }), 0)).toBe('admitted');
    expect(tenths.free.cpu).toBe(0);
  });

  it('names everything of which more is asked than it can ever have', () => {
    expect(pool.shortfalls(asking({ cpu: 8, memory_bytes: 1000, gpu: 2 }))).toEqual([
      { resource: 'cpu', asked: 8, available: 4 },
      { resource: 'gpu', asked: 2, available: 1 },
    ]);
  });

  it('lets those wait that do not fit yet, and serves them in order of arrival', () => {
    for (const id of ['a', 'b', 'c', 'd']) pool.offer(id, asking({}), 0);
    expect(pool.offer('e', asking({}), 1)).toBe('waiting');
    expect(pool.offer('f', asking({}), 2)).toBe('waiting');
    pool.release('a');
    expect(pool.admit(3)).toEqual(['e']);
    pool.release('b');
    pool.release('c');
    expect(pool.admit(4)).toEqual(['f']);
  });

  it('refuses what comes on top of those that may wait', () => {
    pool.offer('large', asking({ cpu: 4 }), 0);
    for (let n = 0; n < rules.waitingLimit; n++) expect(pool.offer(`w${n}`, asking({ cpu: 1 }), 0)).toBe('waiting');
    expect(pool.offer('one too many', asking({ cpu: 1 }), 0)).toBe('full');
    expect(pool.waitingCount).toBe(rules.waitingLimit);
  });

  it('small work passes a large one within the bound, then the large one is next', () => {
    pool.offer('running', asking({ cpu: 2 }), 0);
    pool.offer('large', asking({ cpu: 4 }), 0);
    for (let n = 0; n < rules.overtakingLimit; n++) {
      expect(pool.offer(`small ${n}`, asking({ cpu: 1 }), 1)).toBe('admitted');
      pool.release(`small ${n}`);
      expect(pool.admit(1)).toEqual([]);
    }
    expect(pool.offer('small too late', asking({ cpu: 1 }), 2)).toBe('waiting');
    pool.release('running');
    expect(pool.admit(3)).toEqual(['large']);
  });

  it('reserves for a large one that was passed and has waited long enough', () => {
    pool.offer('running', asking({ cpu: 2 }), 0);
    pool.offer('large', asking({ cpu: 4 }), 0);
    expect(pool.offer('small', asking({ cpu: 1 }), rules.reserveAfterMs - 1)).toBe('admitted');
    expect(pool.offer('small too late', asking({ cpu: 1 }), rules.reserveAfterMs)).toBe('waiting');
  });

  it('goes on with work that cannot delay the one that reserves', () => {
    pool.offer('gpu user', asking({ gpu: 1 }), 0);
    pool.offer('gpu waiter', asking({ gpu: 1, cpu: 1 }), 0);
    pool.offer('cpu hog', asking({ cpu: 3.5 }), 1);
    expect(pool.offer('takes its core', asking({ cpu: 0.5 }), rules.reserveAfterMs)).toBe('waiting');
    pool.release('cpu hog');
    expect(pool.admit(rules.reserveAfterMs)).toEqual(['takes its core']);
    expect(pool.offer('leaves it its core', asking({ cpu: 2.5 }), rules.reserveAfterMs)).toBe('admitted');
  });

  it('gives up those that waited in vain, but not one that holds a reservation', () => {
    pool.offer('running', asking({ cpu: 4 }), 0);
    pool.offer('waits for a core', asking({ cpu: 1 }), 0);
    pool.offer('passes', asking({}), 0);
    pool.offer('reserves', asking({ cpu: 1, slots: 2 }), 0);
    pool.offer('passes too', asking({}), 0);
    expect(pool.impatient(rules.patienceMs)).toEqual(['waits for a core']);
    expect(pool.waitingCount).toBe(1);
  });
});
