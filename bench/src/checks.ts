import type { Graph } from './definitions';
import type { LoggedEvent, LogView } from './log-view';

/** Histories read at once. */
const pageRuns = 500;

/**
 * Throws unless every run has succeeded, each of its actions exactly once and after all that it waits for: a fast engine
 * that loses or repeats work has measured nothing.
 */
export async function checkRuns(log: Pick<LogView, 'events'>, graph: Graph, runIds: readonly string[]): Promise<void> {
  if (new Set(runIds).size !== runIds.length) throw new Error(`${graph.id}: expected each run's id to be its own`);
  for (let from = 0; from < runIds.length; from += pageRuns) {
    const page = runIds.slice(from, from + pageRuns);
    const histories = byRun(await log.events(page));
    for (const runId of page) checkRun(graph, runId, histories.get(runId) ?? []);
  }
}

function checkRun(graph: Graph, runId: string, history: readonly LoggedEvent[]): void {
  const fail = (what: string): never => {
    throw new Error(`Run ${runId} of ${graph.id}: ${what}`);
  };
  const last = history.at(-1);
  if (last?.type !== 'RunSucceeded') fail(`expected RunSucceeded as its last event, found ${last?.type ?? 'none'}`);
  const scheduled = versionsOf(history, 'ExecutionScheduled');
  const succeeded = versionsOf(history, 'ExecutionSucceeded');
  for (const [action, parents] of graph.parents) {
    const [started, ...again] = scheduled.get(action) ?? [];
    const ends = succeeded.get(action) ?? [];
    if (started === undefined || again.length > 0 || ends.length !== 1) fail(`expected ${action} to run exactly once`);
    const early = parents.find((parent) => !((succeeded.get(parent)?.[0] ?? Infinity) < (started ?? 0)));
    if (early !== undefined) fail(`expected ${action} after ${early}`);
  }
  if (succeeded.size !== graph.parents.size) fail(`expected ${graph.parents.size} actions, found ${succeeded.size}`);
}

function versionsOf(history: readonly LoggedEvent[], type: string): Map<string, number[]> {
  const versions = new Map<string, number[]>();
  for (const event of history) {
    const { execution } = event.data;
    if (event.type === type && execution !== undefined) {
      versions.set(execution, [...(versions.get(execution) ?? []), event.version]);
    }
  }
  return versions;
}

function byRun(events: readonly LoggedEvent[]): Map<string, LoggedEvent[]> {
  const histories = new Map<string, LoggedEvent[]>();
  for (const event of events) {
    const history = histories.get(event.runId);
    if (history === undefined) histories.set(event.runId, [event]);
    else history.push(event);
  }
  return histories;
}
