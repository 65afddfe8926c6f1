import { parsedJsonObjectSchema, streamId, type JsonObject, type RunSummary } from '@ryax/contracts';
import type { Database, EventLog } from '@ryax/event-log';
import { describeRun } from '@ryax/workflow';
import type { ProjectionProgress } from '../projections/freshness';
import { listRuns } from '../projections/runs/list-runs';
import type { RunRow } from '../projections/runs/run-row';
import type { FoldedRuns } from '../reading/folded-runs';
import type { LivePools } from '../reading/live-pools';
import { decodeEvent } from '../tail/decoded-event';
import { decodePosition } from './cursor';
import { isoTime, listPage } from './list-page';
import type { QueryHandlers } from './query-handlers';
import { notFound } from './rejection';

export interface RunQueryParts {
  readonly database: Database;
  readonly log: EventLog;
  readonly runs: FoldedRuns;
  readonly progress: ProjectionProgress;
  readonly pools: LivePools;
}

export function runQueries(parts: RunQueryParts): Pick<QueryHandlers, 'run.list' | 'run.get' | 'run.results'> {
  const { database, log, runs, progress, pools } = parts;
  return {
    'run.list': ({ project, workflow_id: workflowId, state, labels, cursor, limit }) => {
      const before = decodePosition(cursor);
      return listPage(progress, {
        limit,
        read: (rows) => listRuns(database, { project, workflowId, state, labels, before, limit: rows }),
        toItem: summaryOf,
        keyOf: ({ position }) => [position],
      });
    },

    'run.get': async ({ project, run_id, version, cursor, limit }) => {
      // What is ready waits for the pools of now, which say nothing of an earlier version.
      const live = version === undefined ? await pools.read() : undefined;
      const view = await runs.read(
        project,
        run_id,
        (state) => describeRun(state, { cursor, limit, pools: live }),
        version,
      );
      if (view === undefined) throw await unknownRun(log, project, run_id, version);
      return { run: parsedJsonObjectSchema.parse(view), version: view.version };
    },

    'run.results': async ({ project, run_id }) => {
      const run = await runs.read(project, run_id, ({ status, version }) => ({ state: status, version }));
      if (run === undefined) throw await unknownRun(log, project, run_id);
      const results = run.state === 'succeeded' ? await readResults(log, project, run_id, run.version) : {};
      return { state: run.state, results };
    },
  };
}

/** Nothing follows the event that ends a run, so the newest version holds the results. */
async function readResults(log: EventLog, project: string, runId: string, version: number): Promise<JsonObject> {
  for (const stored of await log.readVersions(streamId('run', project, runId), [version])) {
    const { event } = decodeEvent(stored);
    if (event.type === 'RunSucceeded') return event.data.results;
  }
  return {};
}

export async function unknownRun(log: EventLog, project: string, runId: string, version?: number) {
  const stream = streamId('run', project, runId);
  const newest = version === undefined ? undefined : (await log.headVersions([stream])).get(stream);
  return newest === undefined
    ? notFound(`Expected a run ${runId}, found none`)
    : notFound(`Expected version ${version} of run ${runId}, found ${newest} versions`);
}

function summaryOf(row: RunRow): RunSummary {
  return {
    run_id: row.runId,
    workflow_id: row.workflowId,
    workflow_version: row.workflowVersion,
    state: row.state,
    labels: { ...row.labels },
    created_at: isoTime(row.createdAt),
    ended_at: row.endedAt === null ? null : isoTime(row.endedAt),
    counts: row.counts,
    failure: row.failure,
  };
}
