import { streamId, type PinnedAction } from '@ryax/contracts';
import type { Database, EventLog } from '@ryax/event-log';
import { listActions, listReferences } from '../projections/actions/list-actions';
import { publishedAction } from '../projections/actions/action-row';
import type { ProjectionProgress } from '../projections/freshness';
import { decodeEvent } from '../tail/decoded-event';
import { decodeKey } from './cursor';
import { listPage } from './list-page';
import type { QueryHandlers } from './query-handlers';

export interface ActionQueryParts {
  readonly database: Database;
  readonly log: EventLog;
  readonly progress: ProjectionProgress;
}

/** Names offered to an asker who misspelt one. */
const knownLimit = 1_000;
/** Streams read at once for one question: others want the pool, too. */
const readsAtOnce = 4;

export function actionQueries(parts: ActionQueryParts): Pick<QueryHandlers, 'action.list' | 'action.resolve'> {
  const { database, log, progress } = parts;
  return {
    'action.list': ({ project, cursor, limit }) => {
      const [actionId = '', version = ''] = decodeKey(cursor, 2) ?? [];
      return listPage(progress, {
        limit,
        read: (rows) => listActions(database, project, { actionId, version }, rows),
        toItem: (row) => ({
          action_id: row.actionId,
          version: row.version,
          content_hash: row.contentHash,
          manifest: row.manifest,
        }),
        keyOf: (row) => [row.actionId, row.version],
      });
    },

    'action.resolve': async ({ project, references }) => {
      const wanted = [...new Set(references)];
      const actions = await resolveAll(log, project, wanted);
      const isComplete = wanted.every((reference) => Object.hasOwn(actions, reference));
      return { actions, known: isComplete ? [] : await listReferences(database, project, knownLimit) };
    },
  };
}

/** From the streams themselves and not the read model: what was published just now is there. */
async function resolveAll(log: EventLog, project: string, references: readonly string[]) {
  const actions: Record<string, PinnedAction> = {};
  const remaining = references.values();
  const readers = Array.from({ length: readsAtOnce }, async () => {
    for (const reference of remaining) {
      const action = await resolve(log, project, reference);
      if (action !== undefined) actions[reference] = action;
    }
  });
  await Promise.all(readers);
  return actions;
}

/** Each `id@version` has a stream of its own, whose first event publishes it. */
async function resolve(log: EventLog, project: string, reference: string): Promise<PinnedAction | undefined> {
  const [first] = await log.readStream(streamId('action', project, reference), { limit: 1 });
  const published = first && publishedAction(decodeEvent(first));
  return published && { content_hash: published.contentHash, manifest: published.manifest };
}
