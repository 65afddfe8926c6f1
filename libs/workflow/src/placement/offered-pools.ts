import type { Beat, PoolKind } from '@ryax/contracts';
import { poolKey, type OfferedPool, type PoolAmounts, type PoolTraits } from './pool';

/** Of an executor, what its beats and its description of its pools have said. */
export interface PoolsOfExecutor {
  readonly site: string;
  readonly pools: Beat['pools'];
  /** Empty for one that describes none. */
  readonly kinds: readonly PoolKind[];
}

export const noAmounts: PoolAmounts = { slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 };

/** What several executors offer of one pool is added up. */
export function offeredPools(executors: Iterable<PoolsOfExecutor>): OfferedPool[] {
  const found = new Map<string, OfferedPool>();
  for (const { site, pools, kinds } of executors) {
    for (const { name, free, ...capacity } of pools) {
      const key = poolKey(site, name);
      const known = found.get(key);
      const kind = kinds.find((each) => each.name === name);
      found.set(key, {
        site,
        name,
        traits: common(known?.traits ?? null, kind === undefined ? null : traitsOf(kind)),
        capacity: sum(known?.capacity ?? noAmounts, capacity),
        free: sum(known?.free ?? noAmounts, free),
      });
    }
  }
  return [...found.values()];
}

export function traitsOf({ architecture, scores, time_limit_ms, node }: Omit<PoolKind, 'name'>): PoolTraits {
  return { architecture, scores, timeLimitMs: time_limit_ms, node };
}

/** Machines of several kinds under one name: what any of them can do, the pool can. */
function common(one: PoolTraits | null, other: PoolTraits | null): PoolTraits | null {
  if (one === null || other === null) return one ?? other;
  const isUnlimited = one.timeLimitMs === null || other.timeLimitMs === null;
  return {
    architecture: one.architecture === other.architecture ? one.architecture : null,
    scores: one.scores,
    timeLimitMs: isUnlimited ? null : Math.max(one.timeLimitMs ?? 0, other.timeLimitMs ?? 0),
    node: {
      cpu: Math.max(one.node.cpu, other.node.cpu),
      memory_bytes: Math.max(one.node.memory_bytes, other.node.memory_bytes),
      gpu: Math.max(one.node.gpu, other.node.gpu),
    },
  };
}

function sum(one: PoolAmounts, other: PoolAmounts): PoolAmounts {
  return eachAmount((resource) => one[resource] + other[resource]);
}

export function eachAmount(amount: (resource: keyof PoolAmounts) => number): {
  -readonly [K in keyof PoolAmounts]: number;
} {
  return { slots: amount('slots'), cpu: amount('cpu'), memory_bytes: amount('memory_bytes'), gpu: amount('gpu') };
}
