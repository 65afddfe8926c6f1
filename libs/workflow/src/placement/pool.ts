import type { Objective } from '@ryax/contracts';

/** What a pool has, in all or free. */
export interface PoolAmounts {
  /** Executions at once. */
  readonly slots: number;
  /** Cores. */
  readonly cpu: number;
  readonly memory_bytes: number;
  readonly gpu: number;
}

/** What a pool is like, as its executors say. */
export interface PoolTraits {
  /** null: its nodes may be of several kinds. */
  readonly architecture: string | null;
  /** How well it does by each objective: 0 to 100, the best. */
  readonly scores: Readonly<Record<Objective, number>>;
  /** The longest that an attempt may take there; null for no limit. */
  readonly timeLimitMs: number | null;
  /** What one node of it has: the most that one execution can have. */
  readonly node: Omit<PoolAmounts, 'slots'>;
}

/** Nodes that are alike, at one site. */
export interface Pool {
  readonly site: string;
  readonly name: string;
  /** null where nobody has said: then whether something fits is left to its executors. */
  readonly traits: PoolTraits | null;
}

/** A pool that may be chosen. */
export interface OfferedPool extends Pool {
  /** Of all its nodes together. */
  readonly capacity: PoolAmounts;
  readonly free: PoolAmounts;
}

/** Where plain work runs, at a site that has a pool of this name. */
export const defaultPool = 'default';

export function poolKey(site: string, name: string): string {
  return `${site}/${name}`;
}

export function nameOfPool({ site, name }: Pool): string {
  return poolKey(site, name);
}

/** By code unit: the same on every machine, whatever its locale. */
export function byName(one: Pool, other: Pool): number {
  const [first, second] = [nameOfPool(one), nameOfPool(other)];
  return first < second ? -1 : first > second ? 1 : 0;
}
