import type { Resources } from '@ryax/contracts';
import type { Demand } from '../placement';
import type { Plan, ScopePlan } from './plan';

/** What the executions of one or several entries need a warm worker, or pod, of. */
export interface PlannedHandler {
  readonly contentHash: string;
  readonly resources: Resources;
  readonly demand: Demand;
}

/**
 * The handlers of a plan, each once for each place and amount that it is wanted with, those first that are needed first.
 *
 * @param most of more than these the last are left out
 */
export function handlersOf(plan: Plan, most: number): readonly PlannedHandler[] {
  const found = new Map<string, PlannedHandler>();
  const walk = ({ entries }: ScopePlan): void => {
    for (const number of entries) {
      if (found.size >= most) return;
      const entry = plan.entries[number];
      if (entry?.content) walk(entry.content);
      if (entry?.action?.type !== 'handler') continue;
      const { action, resources, demand } = entry;
      const key = `${action.content_hash} ${demand.key}`;
      if (!found.has(key)) found.set(key, { contentHash: action.content_hash, resources, demand });
    }
  };
  walk(plan.main);
  walk(plan.finally);
  return [...found.values()];
}
