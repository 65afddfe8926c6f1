import { demandOf, rejectionOf, traitsOf, unmetBy } from '@ryax/workflow';
import type { Launch } from '../launcher';
import { AttemptFailure } from '../process/attempt-failure';
import { amountsOfPod } from './pod-resources';
import type { PodLimits } from './pod-step';
import { kindOf, type NodePool, type SiteConfig } from './site-config';

type Limited = Pick<Launch, 'timeoutMs' | 'resources'>;

/** For how long an attempt may run there, and its pod wait. */
export function limitsOf({ timeoutMs, resources }: Limited, site: SiteConfig, pool: NodePool): PodLimits {
  const limits = [timeoutMs, resources.time_ms, pool.timeLimitMs].filter((each) => typeof each === 'number');
  return { timeLimitMs: limits.length === 0 ? null : Math.min(...limits), patience: site.patienceMs };
}

/** @throws AttemptFailure that says what it asks more than a node has */
export function checkFit({ resources, timeoutMs }: Limited, site: SiteConfig, pool: NodePool): void {
  const demand = demandOf({}, { ...resources, ...amountsOfPod(resources, site.defaults) }, timeoutMs);
  const place = { site: site.name, name: pool.name, traits: traitsOf(kindOf(pool)) };
  if (unmetBy(demand, place).length > 0) throw new AttemptFailure(rejectionOf(demand, [place]));
}
