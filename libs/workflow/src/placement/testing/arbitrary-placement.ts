import type { Architecture, Resources } from '@ryax/contracts';
import fc from 'fast-check';
import { demandOf, type Demand, type Wishes } from '../demand';
import { nameOfPool, type OfferedPool, type PoolAmounts, type PoolTraits } from '../pool';

export function asking(wishes: Wishes = {}, resources: Resources = {}, timeoutMs: number | null = null): Demand {
  return demandOf(wishes, resources, timeoutMs);
}

/** A pool of one node with four slots, of which all is free unless told otherwise. */
export function offered(
  name: string,
  traits: Partial<PoolTraits> | null = {},
  free: Partial<PoolAmounts> = {},
  site = 'cluster-1',
): OfferedPool {
  const usual: PoolTraits = {
    architecture: null,
    scores: { time: 50, cost: 50, energy: 50 },
    timeLimitMs: null,
    node: { cpu: 4, memory_bytes: 8, gpu: 0 },
  };
  const all = traits === null ? null : { ...usual, ...traits };
  const capacity = { slots: 4, ...(all ?? usual).node };
  return { site, name, traits: all, capacity, free: { ...capacity, ...free } };
}

const architecture = fc.constantFrom<Architecture>('amd64', 'arm64');
const score = fc.integer({ min: 0, max: 100 });

const traits: fc.Arbitrary<PoolTraits> = fc.record({
  architecture: fc.option(architecture),
  scores: fc.record({ time: score, cost: score, energy: score }),
  timeLimitMs: fc.option(fc.integer({ min: 1, max: 100 })),
  node: fc.record({
    cpu: fc.integer({ min: 1, max: 4 }),
    memory_bytes: fc.integer({ min: 1, max: 4 }),
    gpu: fc.integer({ min: 0, max: 1 }),
  }),
});

/** Pools of different names, some of which nobody describes. */
export const offers: fc.Arbitrary<readonly OfferedPool[]> = fc.uniqueArray(
  fc
    .record({
      site: fc.constantFrom('s1', 's2'),
      name: fc.constantFrom('default', 'a', 'b'),
      traits: fc.option(traits, { freq: 9 }),
      nodes: fc.integer({ min: 1, max: 3 }),
      slots: fc.integer({ min: 0, max: 3 }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ nodes, slots, used, ...pool }) => {
      const { cpu, memory_bytes, gpu } = pool.traits?.node ?? { cpu: 1, memory_bytes: 1, gpu: 0 };
      const capacity = { slots: 3, cpu: nodes * cpu, memory_bytes: nodes * memory_bytes, gpu: nodes * gpu };
      const left = (amount: number) => Math.floor(amount * (1 - used));
      const free = {
        slots,
        cpu: left(capacity.cpu),
        memory_bytes: left(capacity.memory_bytes),
        gpu: left(capacity.gpu),
      };
      return { ...pool, capacity, free };
    }),
  { selector: nameOfPool, maxLength: 6 },
);

const weight = fc.integer({ min: 0, max: 5 });

export const demands: fc.Arbitrary<Demand> = fc
  .record({
    constraints: fc.record(
      { site: fc.constantFrom('s1', 's2'), pool: fc.constantFrom('a', 'b', 'default'), architecture },
      { requiredKeys: [] },
    ),
    objectives: fc.record({ time: weight, cost: weight, energy: weight }, { requiredKeys: [] }),
    resources: fc.record({
      cpu: fc.integer({ min: 0, max: 5 }),
      memory_bytes: fc.integer({ min: 0, max: 5 }),
      gpu: fc.constantFrom(0, 0, 0, 1),
    }),
    timeMs: fc.option(fc.integer({ min: 1, max: 100 })),
  })
  .map(({ resources, timeMs, ...wishes }) => demandOf(wishes, resources, timeMs));
