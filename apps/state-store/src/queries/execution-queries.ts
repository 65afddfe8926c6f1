import type { Database } from '@ryax/event-log';
import { listExecutions } from '../projections/executions/list-executions';
import type { ProjectionProgress } from '../projections/freshness';
import { decodePosition } from './cursor';
import { listPage } from './list-page';
import type { QueryHandlers } from './query-handlers';

export interface ExecutionQueryParts {
  readonly database: Database;
  readonly progress: ProjectionProgress;
}

export function executionQueries({ database, progress }: ExecutionQueryParts): Pick<QueryHandlers, 'execution.list'> {
  return {
    'execution.list': ({ project, state, cursor, limit }) => {
      const before = decodePosition(cursor);
      return listPage(progress, {
        limit,
        read: (rows) => listExecutions(database, { project, state, before, limit: rows }),
        toItem: ({ summary }) => summary,
        keyOf: ({ position }) => [position],
      });
    },
  };
}
