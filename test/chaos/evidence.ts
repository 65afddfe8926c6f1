import { existsSync, readFileSync } from 'node:fs';
import { waitFor } from '@ryax/testing';
import type { JournalLine, LoggedEvent, ReadModels } from './checks';
import type { Cluster } from './cluster';
import type { DatabaseServer } from './servers';
import type { Subscriber } from './subscriber';

const followWithinMs = 90_000;
const rebuildWithinMs = 120_000;
const lookEveryMs = 250;

/** Waits until no run is open; false when some are still after the bound. */
export async function allEnded(database: DatabaseServer, patienceMs: number): Promise<boolean> {
  const isSo = async () => (await openRuns(database)).length === 0;
  return met(isSo, patienceMs);
}

export async function openRuns(database: DatabaseServer): Promise<string[]> {
  const rows = await database.query<{ id: string }>(
    `SELECT stream_id AS id FROM stream_heads WHERE open AND kind = 'run'`,
  );
  return rows.map(({ id }) => id.slice('run:default:'.length));
}

/** Waits until projections, relay and subscriber have all that is in the log; what they still lack then is lost. */
export async function allFollowed(database: DatabaseServer, subscriber: Subscriber): Promise<void> {
  await met(async () => {
    const [row] = await database.query<{ behind: string; events: string }>(
      `SELECT (SELECT count(*) FROM readers WHERE name IN ('projections', 'relay')
                AND position < (SELECT max(position) FROM events)) AS behind,
              (SELECT count(*) FROM events) AS events`,
    );
    return row !== undefined && Number(row.behind) === 0 && subscriber.count >= Number(row.events);
  }, followWithinMs);
}

export async function readLog(database: DatabaseServer): Promise<LoggedEvent[]> {
  const rows = await database.query<{
    position: string;
    stream: string;
    version: number;
    type: string;
    data: string;
    at: string;
  }>(`SELECT position, stream_id AS stream, version, type, data, recorded_at AS at FROM events ORDER BY position`);
  return rows.map(({ position, stream, version, type, data, at }) => ({
    position: Number(position),
    stream,
    version,
    type,
    data: JSON.parse(data) as LoggedEvent['data'],
    recordedAt: Number(at),
  }));
}

export function readJournal(file: string): JournalLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as JournalLine);
}

/** A tally that has come back to nothing is as good as none. */
const tables: Readonly<Record<string, string>> = {
  runs: '',
  run_labels: '',
  executions: '',
  observations: '',
  workflows: '',
  actions: '',
  tallies: 'WHERE count <> 0',
};

export async function readModels(database: DatabaseServer): Promise<ReadModels> {
  const models: Record<string, readonly string[]> = {};
  for (const [table, condition] of Object.entries(tables)) {
    const rows = await database.query<{ row: string }>(
      `SELECT to_jsonb(t)::text AS row FROM read_models.${table} t ${condition} ORDER BY 1`,
    );
    models[table] = rows.map(({ row }) => row);
  }
  return models;
}

/**
 * Has the read models built anew from position 0, as docs/operations.md says, and answers what they are then. What cannot be
 * rebuilt in time answers nothing of a table, which is a violation by itself.
 */
export async function rebuiltModels(cluster: Cluster): Promise<ReadModels> {
  const { database } = cluster;
  const [current] = await database.query<{ version: string }>(readModelVersion);
  await database.query(`COMMENT ON SCHEMA read_models IS '0'`);
  for (const replica of cluster.all.filter(({ member }) => member.service === 'state-store')) await replica.kill();
  const isRebuilt = await met(async () => {
    const [found] = await database.query<{ version: string }>(readModelVersion);
    return found?.version === current?.version;
  }, rebuildWithinMs);
  return isRebuilt ? readModels(database) : {};
}

const readModelVersion = `SELECT obj_description(oid, 'pg_namespace') AS version FROM pg_namespace WHERE nspname = 'read_models'`;

interface ExecutionView {
  readonly execution: string;
  readonly state: string;
  readonly attempts: number;
  readonly executor: string | null;
  readonly scheduled_at: string | null;
  readonly retry_at: string | null;
}

/** For each execution of an open run that has not ended: what it waits for, in the engine's own words. */
export async function explainStuck(cluster: Cluster, runId: string): Promise<string[]> {
  const response = await fetch(`${cluster.url}/v1/runs/${runId}?limit=1000`, {
    headers: { authorization: `Bearer ${cluster.bearer}` },
    signal: AbortSignal.timeout(10_000),
  });
  const { run } = (await response.json()) as { run?: { executions?: ExecutionView[] } };
  const ended = new Set(['succeeded', 'failed', 'skipped', 'cancelled']);
  return (run?.executions ?? [])
    .filter(({ state }) => !ended.has(state))
    .map(({ execution, state, ...rest }) => {
      const { attempts, executor, scheduled_at: since, retry_at: retryAt } = rest;
      if (retryAt !== null) return `${execution} waits until ${retryAt} for its next attempt`;
      if (since === null) return `${execution} is ${state}`;
      const holder = executor === null ? 'and no executor has said that it holds it' : `held by ${executor}`;
      return `${execution} waits for attempt ${attempts}, handed out at ${since}, ${holder}`;
    });
}

async function met(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  return waitFor(condition, { timeoutMs, intervalMs: lookEveryMs }).then(
    () => true,
    () => false,
  );
}
