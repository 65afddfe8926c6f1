import type { QueryHandlers } from '../queries/query-handlers';

/** When a run would end if it were started now. */
export function estimateQuery(): Pick<QueryHandlers, 'run.estimate'> {
  return {
    'run.estimate': () =>
      Promise.resolve({ duration_ms: null, confidence: 0, basis: 'Nothing is known of its actions yet' }),
  };
}
