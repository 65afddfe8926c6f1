import type { Launch } from '../launcher';
import { AttemptFailure } from '../process/attempt-failure';
import { choosePool } from './choose-pool';
import { amountsOfPod } from './pod-resources';
import type { PodLimits } from './pod-step';
import { capacityOf, type NodePool, type SiteConfig } from './site-config';

type Limited = Pick<Launch, 'timeoutMs' | 'resources'>;

/** For how long an attempt may run there, and its pod wait. */
export function limitsOf({ timeoutMs, resources }: Limited, site: SiteConfig, pool: NodePool): PodLimits {
  const limits = [timeoutMs, resources.time_ms, pool.timeLimitMs].filter((each) => typeof each === 'number');
  return { timeLimitMs: limits.length === 0 ? null : Math.min(...limits), patience: site.patienceMs };
}

/** @throws AttemptFailure that says what it asks more than a node has */
export function checkFit({ resources, timeoutMs }: Limited, site: SiteConfig, pool: NodePool): void {
  const amounts = amountsOfPod(resources, site.defaults);
  const timeMs = resources.time_ms ?? timeoutMs;
  const offer = { site: site.name, pool, free: capacityOf(pool) };
  const choice = choosePool({ constraints: {}, amounts, timeMs, weights: {} }, [offer]);
  if (choice.status === 'rejected') throw new AttemptFailure(choice.failure);
}
