import type { Constraints, Failure } from '@ryax/contracts';
import type { Demand } from './demand';
import { byName, defaultPool, nameOfPool, type Pool } from './pool';

/** What a pool does not meet: what was asked and what it has. */
export interface Unmet {
  readonly constraint: keyof Constraints | 'cpu' | 'memory_bytes' | 'gpu' | 'time_ms';
  readonly asked: string | number;
  readonly available: string | number;
}

const resources = ['cpu', 'memory_bytes', 'gpu'] as const;

/**
 * The pools that can run it, whether they have room or not. A site with a pool named `default` keeps its others for those who ask
 * for one of them, by a constraint, an objective, or by needing more than `default` has. A pool that nobody describes is asked for
 * by its name, or is named `default`.
 */
export function fittingPools<P extends Pool>(demand: Demand, pools: readonly P[]): readonly P[] {
  const { lane } = demand;
  const fitting = pools.filter(
    (pool) => isMet(demand, pool) && (pool.traits !== null || pool.name === (lane.constraints.pool ?? defaultPool)),
  );
  if (!lane.isPlain || fitting.length < 2) return fitting;
  const sites = new Set(fitting.filter(({ name }) => name === defaultPool).map(({ site }) => site));
  return fitting.filter(({ site, name }) => name === defaultPool || !sites.has(site));
}

/** All of what a pool does not meet; empty when the execution fits. */
export function unmetBy(demand: Demand, pool: Pool): readonly Unmet[] {
  const { site, pool: name, architecture } = demand.lane.constraints;
  const { traits } = pool;
  const unmet: Unmet[] = [];
  if (site !== undefined && site !== pool.site) unmet.push({ constraint: 'site', asked: site, available: pool.site });
  if (name !== undefined && name !== pool.name) unmet.push({ constraint: 'pool', asked: name, available: pool.name });
  if (architecture !== undefined && architecture !== (traits?.architecture ?? null)) {
    unmet.push({ constraint: 'architecture', asked: architecture, available: traits?.architecture ?? 'any' });
  }
  if (traits === null) return unmet;
  for (const resource of resources) {
    const available = traits.node[resource];
    if (demand[resource] > available) unmet.push({ constraint: resource, asked: demand[resource], available });
  }
  const limit = traits.timeLimitMs ?? Infinity;
  if ((demand.timeMs ?? 0) > limit) {
    unmet.push({ constraint: 'time_ms', asked: demand.timeMs ?? 0, available: limit });
  }
  return unmet;
}

function isMet(demand: Demand, pool: Pool): boolean {
  return unmetBy(demand, pool).length === 0;
}

/** Whether it is a question of size alone: some pool is all that is asked for, and too small. */
export function isTooLarge(demand: Demand, pools: readonly Pool[]): boolean {
  return pools.some((pool) => {
    const unmet = unmetBy(demand, pool);
    return unmet.length > 0 && unmet.every(({ constraint }) => !names.has(constraint));
  });
}

const names: ReadonlySet<Unmet['constraint']> = new Set(['site', 'pool', 'architecture']);

/** Pools that are told one by one; of more the nearest. */
const mostTold = 8;

/** Why it can run in none of these pools, the nearest first: that with the fewest constraints unmet, then the least too small. */
export function rejectionOf(demand: Demand, pools: readonly Pool[]): Failure {
  const judged = judge(demand, pools);
  if (judged.length === 0) return { kind: 'rejected', message: 'There is no pool at all' };
  return {
    kind: 'rejected',
    message: `No pool can run it: ${linesOf(judged).join('; ')}`,
    details: {
      pools: judged.slice(0, mostTold).map(({ pool, unmet }) => ({
        pool: nameOfPool(pool),
        unmet: unmet.map((each) => ({ ...each })),
      })),
    },
  };
}

/** What each pool lacks, in words; empty where there is no pool. */
export function lacksOf(demand: Demand, pools: readonly Pool[]): string {
  return linesOf(judge(demand, pools)).join('; ');
}

function judge(demand: Demand, pools: readonly Pool[]): Judged[] {
  return pools.map((pool) => ({ pool, unmet: unmetBy(demand, pool) })).sort(byNearness);
}

interface Judged {
  readonly pool: Pool;
  readonly unmet: readonly Unmet[];
}

function linesOf(judged: readonly Judged[]): string[] {
  const told = judged.slice(0, mostTold).map(({ pool, unmet }) => {
    if (unmet.length === 0) return `${nameOfPool(pool)} takes only what asks for it by its name`;
    const parts = unmet.map((each) => `${show(each)} where it has ${valueText(each.constraint, each.available)}`);
    return `${nameOfPool(pool)} is asked ${parts.join(', ')}`;
  });
  const more = judged.length - told.length;
  return more === 0 ? told : [...told, `and ${more} more`];
}

function byNearness(one: Judged, other: Judged): number {
  return one.unmet.length - other.unmet.length || shortfallOf(one) - shortfallOf(other) || byName(one.pool, other.pool);
}

/** By how much it is too small, all resources together; a name that is another one is as far as can be. */
function shortfallOf({ unmet }: Judged): number {
  return unmet.reduce((sum, { asked, available }) => sum + distance(asked, available), 0);
}

function distance(asked: string | number, available: string | number): number {
  return typeof asked === 'number' && typeof available === 'number' ? 1 - available / asked : 1;
}

function show({ constraint, asked }: Unmet): string {
  return `${words[constraint]} ${valueText(constraint, asked)}`;
}

/** What is asked, for people: `memory 512 MiB`. */
export function valueText(constraint: Unmet['constraint'], amount: string | number): string {
  if (typeof amount === 'string') return amount;
  if (constraint === 'memory_bytes') return `${Math.round(amount / 2 ** 20)} MiB`;
  return constraint === 'time_ms' ? `${rounded(amount / 1000)} s` : String(rounded(amount));
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

const words: Readonly<Record<Unmet['constraint'], string>> = {
  site: 'for the site',
  pool: 'for the pool',
  architecture: 'for the architecture',
  cpu: 'for cpu',
  memory_bytes: 'for memory',
  gpu: 'for gpu',
  time_ms: 'for a time of',
};
