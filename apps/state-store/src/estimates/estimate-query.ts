import type { Database } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import {
  defaultPool,
  estimateCompletion,
  SimulationRejectedError,
  type OfferedPool,
  type Plan,
  type PlanEntry,
} from '@ryax/workflow';
import type { QueryHandlers } from '../queries/query-handlers';
import { notFound, QueryRejectedError } from '../queries/rejection';
import type { Definitions } from '../reading/definitions';
import type { LivePools } from '../reading/live-pools';
import { actionKey } from './action-key';
import { readExperience, type Experience } from './experience';
import { RememberedEntries } from './remembered-entries';

export interface EstimateParts {
  readonly database: Database;
  readonly pools: LivePools;
  readonly definitions: Pick<Definitions, 'plan'>;
  readonly logger: Log;
}

/** When a run would end if it were started now: the simulator, with earlier durations and the capacity there is. */
export function estimateQuery(parts: EstimateParts): Pick<QueryHandlers, 'run.estimate'> {
  const { pools, definitions } = parts;
  const entries = new RememberedEntries(parts);
  return {
    'run.estimate': async ({ project, definition_hash, inputs }) => {
      const plan = await definitions.plan(definition_hash).catch((error: unknown) => {
        throw notFound(`Expected a definition ${definition_hash}, found none`, { cause: error });
      });
      const [experience, live] = await Promise.all([
        gatherExperience(parts, entries, project, definition_hash, plan),
        pools.read(),
      ]);
      try {
        const estimate = estimateCompletion(plan, { inputs, slots: slotsIn(live), ...experience });
        return { ...estimate, range_ms: [...estimate.range_ms] };
      } catch (error) {
        if (error instanceof SimulationRejectedError) throw new QueryRejectedError(error.rejection);
        throw error;
      }
    },
  };
}

async function gatherExperience(
  { database }: EstimateParts,
  entries: RememberedEntries,
  project: string,
  definitionHash: string,
  plan: Plan,
): Promise<Experience> {
  await entries.remember(definitionHash, plan);
  const experience = await readExperience(database, project, definitionHash);
  const isUnseen = (entry: PlanEntry) => actionKey(entry) !== undefined && experience.observed(entry) === undefined;
  if (!plan.entries.some(isUnseen) || (await entries.rememberEarlier(project)) === 0) return experience;
  return readExperience(database, project, definitionHash);
}

/** Slots of a pool, at all sites together. Where none is named `default`, what asks for no pool may run in any. */
function slotsIn(pools: readonly OfferedPool[]): (pool: string) => number {
  const slots = new Map<string, number>();
  let all = 0;
  for (const { name, capacity } of pools) {
    slots.set(name, (slots.get(name) ?? 0) + capacity.slots);
    all += capacity.slots;
  }
  return (pool) => slots.get(pool) ?? (pool === defaultPool ? all : 0);
}
