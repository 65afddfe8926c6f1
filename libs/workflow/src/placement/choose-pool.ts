import { objectives, type Objectives } from '@ryax/contracts';
import type { Demand } from './demand';
import { rounded } from './fit';
import { byName, nameOfPool, type OfferedPool, type PoolTraits } from './pool';

const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

/** Of pools of which nobody has said how well they do. */
const unknownScore = 50;

/**
 * The best of the pools that fit and have a slot free; undefined where none has. Of those first one whose cores, memory and GPUs
 * are free, too: in any other it would wait at its executor, in line with what else waits there, which is what keeps large work from
 * being passed by small for ever. Then the highest score by the weighted objectives; then no GPUs are taken from those that need
 * them, then the emptier pool, then the first by name. Pure: the order of the pools changes nothing.
 *
 * @param fitting see `fittingPools`
 */
export function choosePool<P extends OfferedPool>(
  demand: Demand,
  fitting: readonly P[],
  hasSlot: (pool: P) => boolean = hasFreeSlot,
): P | undefined {
  let best: P | undefined;
  for (const pool of fitting) {
    if (hasSlot(pool) && (best === undefined || preference(demand, pool, best) < 0)) best = pool;
  }
  return best;
}

function hasFreeSlot({ free }: OfferedPool): boolean {
  return free.slots >= 1;
}

/** Below 0: the one is better. */
function preference(demand: Demand, one: OfferedPool, other: OfferedPool): number {
  const weights = demand.lane.objectives;
  return (
    Number(hasAmounts(demand, other)) - Number(hasAmounts(demand, one)) ||
    scoreOf(other.traits, weights) - scoreOf(one.traits, weights) ||
    idleGpus(demand, one) - idleGpus(demand, other) ||
    freeShare(other) - freeShare(one) ||
    byName(one, other)
  );
}

function hasAmounts({ cpu, memory_bytes, gpu }: Demand, { free, traits }: OfferedPool): boolean {
  if (traits === null) return true;
  return cpu <= free.cpu && memory_bytes <= free.memory_bytes && gpu <= free.gpu;
}

/** 0 to 100; the same for all pools where nothing is weighted. */
function scoreOf(traits: PoolTraits | null, weights: Objectives): number {
  let [sum, total] = [0, 0];
  for (const each of objectives) {
    const weight = weights[each] ?? 0;
    sum += weight * scoreBy(each, traits);
    total += weight;
  }
  return total === 0 ? 0 : sum / total;
}

function scoreBy(objective: keyof Objectives, traits: PoolTraits | null): number {
  return traits?.scores[objective] ?? unknownScore;
}

/** GPUs of a node that stand beside an execution which has no use for them. */
function idleGpus({ gpu }: Demand, { traits }: OfferedPool): number {
  return gpu === 0 ? (traits?.node.gpu ?? 0) : 0;
}

/** Of what there is least: a pool without slots is full, whatever memory it has. */
function freeShare({ capacity, free }: OfferedPool): number {
  let least = 1;
  for (const each of resources) if (capacity[each] > 0) least = Math.min(least, free[each] / capacity[each]);
  return least;
}

/** By what the choice was made, for people, what decided first. `chosen` is that of {@link choosePool} among `fitting`. */
export function reasonsOf<P extends OfferedPool>(
  demand: Demand,
  chosen: P,
  fitting: readonly P[],
  hasSlot: (pool: P) => boolean = hasFreeSlot,
): string[] {
  const others = fitting.filter((pool) => pool !== chosen);
  if (others.length === 0) return [`${nameOfPool(chosen)} alone fits`];
  const full = others.filter((pool) => !hasSlot(pool)).map(nameOfPool);
  const without = full.length === 0 ? [] : [`no slot is free in ${full.sort().join(', ')}`];
  const next = choosePool(demand, others, hasSlot);
  return [...scoreText(demand, chosen), ...(next === undefined ? [] : [comparison(demand, chosen, next)]), ...without];
}

function scoreText({ lane }: Demand, { traits, ...pool }: OfferedPool): string[] {
  const weighted = objectives.filter((each) => lane.objectives[each] !== undefined);
  if (weighted.length === 0) return [];
  const parts = weighted.map((each) => `${each} ${scoreBy(each, traits)} × ${lane.objectives[each]}`);
  const name = nameOfPool({ traits, ...pool });
  return [`${name} scores ${rounded(scoreOf(traits, lane.objectives))} (${parts.join(', ')})`];
}

function comparison(demand: Demand, chosen: OfferedPool, next: OfferedPool): string {
  const name = nameOfPool(next);
  if (hasAmounts(demand, chosen) && !hasAmounts(demand, next)) return `${name} has not as much free as it asks`;
  const [score, nextScore] = [chosen, next].map(({ traits }) => scoreOf(traits, demand.lane.objectives));
  if (score !== nextScore) return `the next, ${name}, scores ${rounded(nextScore ?? 0)}`;
  if (idleGpus(demand, chosen) < idleGpus(demand, next)) return `it asks no GPU, ${name} has some`;
  return freeShare(chosen) > freeShare(next) ? `it is emptier than ${name}` : `it comes before ${name} by name`;
}
