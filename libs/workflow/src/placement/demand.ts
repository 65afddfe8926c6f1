import { objectives, type Constraints, type Objectives, type Resources } from '@ryax/contracts';
import { defaultPool } from './pool';

/** What ready work asks of the place that it runs in. Runs with ready work have their turns lane by lane. */
export interface Lane {
  /** The same for lanes that ask for the same. */
  readonly key: string;
  /** Built-ins such as `core/sleep` hold no slot of their pool. */
  readonly holdsSlot: boolean;
  readonly constraints: Constraints;
  /** Those that count, each above 0. */
  readonly objectives: Objectives;
  /** It asks for nothing of that. */
  readonly isPlain: boolean;
}

/** All that decides where an execution may run: its lane, and what it takes of a node. */
export interface Demand {
  /** The same for equal demands. Made once for an entry of a plan, and compared for each of its executions. */
  readonly key: string;
  readonly lane: Lane;
  /** Cores. */
  readonly cpu: number;
  readonly memory_bytes: number;
  readonly gpu: number;
  /** The longest that it may take; null when nobody has said. */
  readonly timeMs: number | null;
}

export interface Wishes {
  readonly constraints?: Constraints | undefined;
  readonly objectives?: Objectives | undefined;
}

/** @param timeoutMs counts where the resources say no time */
export function demandOf(
  { constraints = {}, objectives: weights = {} }: Wishes,
  { cpu = 0, memory_bytes = 0, gpu = 0, time_ms }: Resources,
  timeoutMs: number | null,
): Demand {
  return demandIn(laneOf(true, constraints, weights), cpu, memory_bytes, gpu, time_ms ?? timeoutMs);
}

/** Asks for a slot in whatever pool, and nothing else. */
export const plainDemand: Demand = demandOf({}, {}, null);

/** Of built-ins: anybody may take them. */
export const slotlessDemand: Demand = demandIn(laneOf(false, {}, {}), 0, 0, 0, null);

/** The same, with more memory: after an attempt that ran out of it. */
export function withMemory({ lane, cpu, gpu, timeMs }: Demand, memoryBytes: number): Demand {
  return demandIn(lane, cpu, memoryBytes, gpu, timeMs);
}

/** The name of the pool that it runs in, as far as the definition says. */
export function poolNameOf({ constraints }: Lane): string {
  return constraints.pool ?? defaultPool;
}

/** What it waits for, for people: `a free slot of pool gpu at site cluster-1`. */
export function placeText({ holdsSlot, constraints: { site, pool, architecture } }: Lane): string {
  const parts = [
    holdsSlot ? 'a free slot' : 'an executor',
    ...(pool === undefined ? [] : [`of pool ${pool}`]),
    ...(site === undefined ? [] : [`at site ${site}`]),
    ...(architecture === undefined ? [] : [`on ${architecture}`]),
  ];
  return parts.join(' ');
}

function laneOf(holdsSlot: boolean, constraints: Constraints, weights: Objectives): Lane {
  const { site, pool, architecture } = constraints;
  const counting = objectives.flatMap((each) => ((weights[each] ?? 0) > 0 ? [[each, weights[each]] as const] : []));
  const isPlain = site === undefined && pool === undefined && architecture === undefined && counting.length === 0;
  const kind = holdsSlot ? 'slot' : 'free';
  const key = isPlain ? kind : `${kind} ${JSON.stringify([site, pool, architecture, counting])}`;
  return { key, holdsSlot, constraints, objectives: Object.fromEntries(counting), isPlain };
}

function demandIn(lane: Lane, cpu: number, memory_bytes: number, gpu: number, timeMs: number | null): Demand {
  const asksNothing = cpu === 0 && memory_bytes === 0 && gpu === 0 && timeMs === null;
  const key = asksNothing ? lane.key : `${lane.key} ${cpu} ${memory_bytes} ${gpu} ${timeMs ?? ''}`;
  return { key, lane, cpu, memory_bytes, gpu, timeMs };
}
