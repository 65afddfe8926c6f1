import { isDeepStrictEqual } from 'node:util';
import { runEnds, streamOf, type AcceptedRun, type LoggedEvent, type Violation } from './violation';

/** Rows of the read models, by table, each as JSON, in an order of their own. */
export type ReadModels = Readonly<Record<string, readonly string[]>>;

/** What was built while everything broke is what a rebuild from position 0 makes of the log. */
export function checkRebuild(live: ReadModels, rebuilt: ReadModels): Violation[] {
  const tables = [...new Set([...Object.keys(live), ...Object.keys(rebuilt)])];
  return tables.flatMap((table) => {
    const [before, after] = [live[table] ?? [], rebuilt[table] ?? []];
    if (isDeepStrictEqual(before, after)) return [];
    const found = before.find((row) => !after.includes(row)) ?? 'nothing';
    const expected = after.find((row) => !before.includes(row)) ?? 'nothing';
    const what = `a rebuild makes other rows of it (${after.length}, live ${before.length}): expected ${expected}, found ${found}`;
    return [{ category: 'wrong' as const, subject: `read model ${table}`, what }];
  });
}

/** Each accepted run is in the read models, with the state that its last event gives it. */
export function checkRunRows(
  runs: readonly AcceptedRun[],
  events: readonly LoggedEvent[],
  rows: readonly { readonly runId: string; readonly state: string }[],
): Violation[] {
  const states = new Map(rows.map(({ runId, state }) => [runId, state]));
  const ends = new Map(events.filter(({ type }) => runEnds.has(type)).map(({ stream, type }) => [stream, type]));
  return runs.flatMap(({ runId, shape }) => {
    const expected = ends.get(streamOf(runId))?.slice('Run'.length).toLowerCase();
    const found = states.get(runId);
    if (expected === undefined || expected === found) return [];
    const what = `expected ${expected} in the read model of runs, found ${found ?? 'no row'}`;
    return [{ category: 'wrong' as const, subject: `${shape.id} ${runId}`, what }];
  });
}
