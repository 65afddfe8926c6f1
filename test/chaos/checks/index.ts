import { checkHistory } from './history';
import { checkJournal } from './journal';
import { checkRebuild, checkRunRows, type ReadModels } from './read-models';
import { checkRelay } from './relay';
import {
  byStream,
  streamOf,
  type AcceptedRun,
  type HeardEvent,
  type JournalLine,
  type LoggedEvent,
  type Violation,
} from './violation';

export * from './violation';
export type { ReadModels } from './read-models';

/** All that is known when a campaign is over. */
export interface Evidence {
  readonly runs: readonly AcceptedRun[];
  /** Of all streams, in position order. */
  readonly events: readonly LoggedEvent[];
  readonly journal: readonly JournalLine[];
  readonly heard: readonly HeardEvent[];
  readonly runRows: readonly { readonly runId: string; readonly state: string }[];
  readonly live: ReadModels;
  readonly rebuilt: ReadModels;
}

/** Every promise that does not hold, from the evidence alone. */
export function judge({ runs, events, journal, heard, runRows, live, rebuilt }: Evidence): Violation[] {
  const histories = byStream(events);
  return [
    ...runs.flatMap((run) => checkHistory(run, histories.get(streamOf(run.runId)) ?? [])),
    ...checkUnasked(runs, [...histories.keys()]),
    ...checkJournal(runs, events, journal),
    ...checkRelay(events, heard),
    ...checkRunRows(runs, events, runRows),
    ...checkRebuild(live, rebuilt),
  ];
}

/** A repeated request makes no second run. */
function checkUnasked(runs: readonly AcceptedRun[], streams: readonly string[]): Violation[] {
  const asked = new Set(runs.map(({ runId }) => streamOf(runId)));
  return streams
    .filter((stream) => stream.startsWith('run:') && !asked.has(stream))
    .map((subject) => ({ category: 'wrong', subject, what: 'nobody has asked for this run' }));
}
