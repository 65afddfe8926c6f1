import type { Failure } from '@ryax/contracts';
import type { Amounts } from '../resource-pool';
import { capacityOf, type Architecture, type NodePool } from './site-config';

export const objectives = ['time', 'cost', 'energy'] as const;
export type Objective = (typeof objectives)[number];

/** What an execution wants of a pool. */
export interface Demand {
  /** Hard: a pool that is another one is never chosen. */
  readonly constraints: { readonly site?: string; readonly pool?: string; readonly architecture?: Architecture };
  /** What one pod takes: see `amountsOfPod`. */
  readonly amounts: Amounts;
  /** The longest it may take; null when nobody has said. */
  readonly timeMs: number | null;
  /** How much each objective counts beside the others; 0 or absent: not at all. */
  readonly weights: Readonly<Partial<Record<Objective, number>>>;
}

/** A pool that may be chosen, and what is free of all its nodes together. */
export interface OfferedPool {
  readonly site: string;
  readonly pool: NodePool;
  readonly free: Amounts;
}

/** The reasons are for people, the ones that decided first. */
export type Choice =
  | { readonly status: 'chosen'; readonly offered: OfferedPool; readonly reasons: readonly string[] }
  /** It fits into these pools, and none of them has room now. */
  | { readonly status: 'waiting'; readonly fitting: readonly OfferedPool[]; readonly reasons: readonly string[] }
  /** It can never run in any of them. */
  | { readonly status: 'rejected'; readonly failure: Failure };

/**
 * The pool for an execution. Constraints decide which pools come into question, then room; among those the one that does best
 * by the weighted objectives. Where that leaves several: no GPUs are taken from those that need them, then the emptier
 * pool, then the first by name. Pure: the order of the offers changes nothing.
 */
export function choosePool(demand: Demand, offers: readonly OfferedPool[]): Choice {
  const judged = [...offers].sort(byName).map((offered) => ({ offered, unmet: unmetBy(offered, demand) }));
  const fitting = judged.filter(({ unmet }) => unmet.length === 0).map(({ offered }) => offered);
  if (fitting.length === 0) return { status: 'rejected', failure: rejectionOf(judged, demand) };

  const withRoom = fitting.filter(({ free }) => missingRoom(demand.amounts, free).length === 0);
  const [best, ...others] = withRoom.sort(byPreference(demand));
  if (best !== undefined) return { status: 'chosen', offered: best, reasons: reasonsFor(best, others, demand) };
  return { status: 'waiting', fitting, reasons: fitting.map((offered) => lackOfRoom(offered, demand)) };
}

/** A constraint that a pool does not meet: what was asked and what the pool has. */
interface Unmet {
  readonly constraint: 'site' | 'pool' | 'architecture' | 'slots' | 'cpu' | 'memory_bytes' | 'gpu' | 'time_ms';
  readonly asked: string | number;
  readonly available: string | number;
}

const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

function unmetBy({ site, pool }: OfferedPool, { constraints, amounts, timeMs }: Demand): Unmet[] {
  const named = [
    { constraint: 'site', asked: constraints.site, available: site },
    { constraint: 'pool', asked: constraints.pool, available: pool.name },
    { constraint: 'architecture', asked: constraints.architecture, available: pool.architecture ?? 'any' },
  ] as const;
  // A pod runs on one node, however many there are.
  const ofNode = capacityOf({ ...pool, nodes: 1 });
  const measured = [
    ...resources.map((constraint) => ({ constraint, asked: amounts[constraint], available: ofNode[constraint] })),
    { constraint: 'time_ms' as const, asked: timeMs ?? 0, available: pool.timeLimitMs ?? Infinity },
  ];
  return [
    ...named.flatMap(({ asked, ...rest }) =>
      asked === undefined || asked === rest.available ? [] : [{ asked, ...rest }],
    ),
    ...measured.filter(({ asked, available }) => asked > available),
  ];
}

function missingRoom(asked: Amounts, free: Amounts) {
  return resources.filter((resource) => asked[resource] > free[resource]);
}

function byPreference({ amounts, weights }: Demand) {
  return (one: OfferedPool, other: OfferedPool): number =>
    scoreOf(other.pool, weights) - scoreOf(one.pool, weights) ||
    idleGpus(one.pool, amounts) - idleGpus(other.pool, amounts) ||
    freeShare(other) - freeShare(one) ||
    byName(one, other);
}

/** 0 to 100; the same for all pools where nothing is weighted. */
function scoreOf({ scores }: NodePool, weights: Demand['weights']): number {
  const total = sumOf((objective) => weightOf(objective, weights));
  return total === 0 ? 0 : sumOf((objective) => weightOf(objective, weights) * scores[objective]) / total;
}

function weightOf(objective: Objective, weights: Demand['weights']): number {
  return Math.max(0, weights[objective] ?? 0);
}

function sumOf(value: (objective: Objective) => number): number {
  return objectives.reduce((sum, objective) => sum + value(objective), 0);
}

/** GPUs of a node that stand beside an execution which has no use for them. */
function idleGpus({ gpu }: NodePool, { gpu: asked }: Amounts): number {
  return asked === 0 ? gpu : 0;
}

/** Of what there is least: a pool without slots is full, whatever memory it has. */
function freeShare({ pool, free }: OfferedPool): number {
  const capacity = capacityOf(pool);
  return Math.min(...resources.filter((each) => capacity[each] > 0).map((each) => free[each] / capacity[each]));
}

function reasonsFor(best: OfferedPool, others: readonly OfferedPool[], { amounts, weights }: Demand): string[] {
  const weighted = objectives.filter((objective) => weightOf(objective, weights) > 0);
  const [next] = others;
  if (next === undefined) return [`${nameOf(best)} alone fits and has room`];
  const score = scoreOf(best.pool, weights);
  const parts = weighted.map((each) => `${each} ${best.pool.scores[each]} × ${weightOf(each, weights)}`).join(', ');
  const scored = weighted.length === 0 ? [] : [`${nameOf(best)} scores ${rounded(score)} (${parts})`];
  const nextScore = scoreOf(next.pool, weights);
  if (score > nextScore) return [...scored, `the next, ${nameOf(next)}, scores ${rounded(nextScore)}`];
  if (idleGpus(best.pool, amounts) < idleGpus(next.pool, amounts)) {
    return [...scored, `it asks no GPU, ${nameOf(next)} has some`];
  }
  const isEmptier = freeShare(best) > freeShare(next);
  return [...scored, isEmptier ? `it is emptier than ${nameOf(next)}` : `it comes before ${nameOf(next)} by name`];
}

function lackOfRoom(offered: OfferedPool, { amounts }: Demand): string {
  const parts = missingRoom(amounts, offered.free).map(
    (each) => `${show(each, offered.free[each])} free where it asks ${show(each, amounts[each])}`,
  );
  return `${nameOf(offered)} has ${parts.join(', ')}`;
}

interface Judged {
  readonly offered: OfferedPool;
  readonly unmet: readonly Unmet[];
}

/** Names what the nearest pool lacks: the one with the fewest constraints unmet, of several the one that is least too small. */
function rejectionOf(judged: readonly Judged[], { constraints }: Demand): Failure {
  const [nearest] = [...judged].sort(
    (one, other) =>
      one.unmet.length - other.unmet.length ||
      shortfallOf(one) - shortfallOf(other) ||
      byName(one.offered, other.offered),
  );
  if (nearest === undefined) return { kind: 'rejected', message: 'There is no pool at all' };
  const name = nameOf(nearest.offered);
  const parts = nearest.unmet.map((each) => `${show(each.constraint, each.asked)} where it has ${showAvailable(each)}`);
  return {
    kind: 'rejected',
    message: `No pool can ever run it. The nearest is ${name}: it asks ${parts.join(', ')}`,
    details: {
      nearest: name,
      constraints: { ...constraints },
      unmet: nearest.unmet.map((each) => ({ ...each })),
    },
  };
}

/** By how much it is too small, all resources together; a name that is another one is as far as can be. */
function shortfallOf({ unmet }: Judged): number {
  return unmet.reduce((sum, { asked, available }) => sum + distance(asked, available), 0);
}

function distance(asked: string | number, available: string | number): number {
  return typeof asked === 'number' && typeof available === 'number' ? 1 - available / asked : 1;
}

function nameOf({ site, pool }: OfferedPool): string {
  return `${site}/${pool.name}`;
}

/** By code unit: the same on every machine, whatever its locale. */
function byName(one: OfferedPool, other: OfferedPool): number {
  const [first, second] = [nameOf(one), nameOf(other)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function show(constraint: Unmet['constraint'], amount: string | number): string {
  return `${words[constraint]} ${valueText(constraint, amount)}`;
}

function showAvailable({ constraint, available }: Unmet): string {
  return valueText(constraint, available);
}

function valueText(constraint: Unmet['constraint'], amount: string | number): string {
  if (typeof amount === 'string') return amount;
  if (constraint === 'memory_bytes') return `${Math.round(amount / 2 ** 20)} MiB`;
  return constraint === 'time_ms' ? `${rounded(amount / 1000)} s` : String(amount);
}

const words: Readonly<Record<Unmet['constraint'], string>> = {
  site: 'the site',
  pool: 'the pool',
  architecture: 'the architecture',
  slots: 'slots',
  cpu: 'cpu',
  memory_bytes: 'memory',
  gpu: 'gpu',
  time_ms: 'a time of',
};

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
