import type { QueryAnswer } from '@ryax/contracts';
import type { Database, EventLog } from '@ryax/event-log';
import { readProgress, requestRebuild } from '../projections/rebuild';
import type { QueryHandlers } from './query-handlers';

export interface RebuildQueryParts {
  readonly database: Database;
  readonly log: Pick<EventLog, 'lastPosition'>;
  /** The active replica looks by itself; if that is this one, it need not wait. */
  readonly lookSoon: () => void;
}

/** Building the read models anew, for whoever operates the engine. */
export function rebuildQueries({
  database,
  log,
  lookSoon,
}: RebuildQueryParts): Pick<QueryHandlers, 'read-models.status' | 'read-models.rebuild'> {
  const status = async (): Promise<QueryAnswer<'read-models.status'>> => {
    const { isRebuilding, position } = await readProgress(database);
    return { rebuilding: isRebuilding, position, last_position: await log.lastPosition() };
  };
  return {
    'read-models.status': status,
    'read-models.rebuild': async () => {
      await requestRebuild(database);
      lookSoon();
      return status();
    },
  };
}
