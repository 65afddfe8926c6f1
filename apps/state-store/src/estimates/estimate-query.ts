import { poolSchema } from '@ryax/contracts';
import type { Database, Members } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import { estimateCompletion, SimulationRejectedError, type Plan, type PlanEntry } from '@ryax/workflow';
import { z } from 'zod';
import type { QueryHandlers } from '../queries/query-handlers';
import { notFound, QueryRejectedError } from '../queries/rejection';
import type { Definitions } from '../reading/definitions';
import { actionKey } from './action-key';
import { readExperience, type Experience } from './experience';
import { RememberedEntries } from './remembered-entries';

export interface EstimateParts {
  readonly database: Database;
  readonly members: Pick<Members, 'live'>;
  readonly definitions: Pick<Definitions, 'plan'>;
  readonly logger: Log;
}

/** An executor that has been silent for longer offers nothing. */
const liveWithinMs = 10_000;
/** When a run would end if it were started now: the simulator, with earlier durations and the capacity there is. */
export function estimateQuery(parts: EstimateParts): Pick<QueryHandlers, 'run.estimate'> {
  const { members, definitions } = parts;
  const entries = new RememberedEntries(parts);
  return {
    'run.estimate': async ({ project, definition_hash, inputs }) => {
      const plan = await definitions.plan(definition_hash).catch((error: unknown) => {
        throw notFound(`Expected a definition ${definition_hash}, found none`, { cause: error });
      });
      const [experience, slots] = await Promise.all([
        gatherExperience(parts, entries, project, definition_hash, plan),
        readSlots(members),
      ]);
      try {
        const estimate = estimateCompletion(plan, { inputs, slots: (pool) => slots.get(pool) ?? 0, ...experience });
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

const poolsSchema = z.array(poolSchema);

/** Slots of each pool, over the executors that live. */
async function readSlots(members: Pick<Members, 'live'>): Promise<ReadonlyMap<string, number>> {
  const slots = new Map<string, number>();
  for (const { kind, pools } of await members.live(liveWithinMs)) {
    if (kind !== 'executor') continue;
    for (const pool of poolsSchema.parse(JSON.parse(pools)))
      slots.set(pool.name, (slots.get(pool.name) ?? 0) + pool.slots);
  }
  return slots;
}
