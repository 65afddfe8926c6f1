import { poolSchema } from '@ryax/contracts';
import type { Database, Members } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import { estimateCompletion, SimulationRejectedError } from '@ryax/workflow';
import { z } from 'zod';
import type { QueryHandlers } from '../queries/query-handlers';
import { notFound, QueryRejectedError } from '../queries/rejection';
import type { Definitions } from '../reading/definitions';
import { forgottenDefinitions, readExperience, rememberEntries } from './experience';

export interface EstimateParts {
  readonly database: Database;
  readonly members: Pick<Members, 'live'>;
  readonly definitions: Pick<Definitions, 'plan'>;
  readonly logger: Log;
}

/** An executor that has been silent for longer offers nothing. */
const liveWithinMs = 10_000;
/** Earlier definitions whose actions are looked up for one estimate: a bounded cost, and the next one finds more. */
const definitionsAtOnce = 5;

/** When a run would end if it were started now: the simulator, with earlier durations and the capacity there is. */
export function estimateQuery(parts: EstimateParts): Pick<QueryHandlers, 'run.estimate'> {
  const { database, members, definitions } = parts;
  return {
    'run.estimate': async ({ project, definition_hash, inputs }) => {
      const plan = await definitions.plan(definition_hash).catch((error: unknown) => {
        throw notFound(`Expected a definition ${definition_hash}, found none`, { cause: error });
      });
      await rememberEntries(database, definition_hash, plan);
      await rememberEarlier(parts, project);
      const [experience, slots] = await Promise.all([
        readExperience(database, project, definition_hash),
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

/** Definitions that were run without ever being estimated. One that cannot be read any more takes nothing from the others. */
async function rememberEarlier({ database, definitions, logger }: EstimateParts, project: string): Promise<void> {
  for (const hash of await forgottenDefinitions(database, project, definitionsAtOnce)) {
    try {
      await rememberEntries(database, hash, await definitions.plan(hash));
    } catch (error) {
      logger.debug('Could not read a definition for an estimate', { definition_hash: hash, error });
    }
  }
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
