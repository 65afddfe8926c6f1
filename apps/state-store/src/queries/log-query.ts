import type { QueryAnswer, QueryParameters } from '@ryax/contracts';
import type { Database, DatabaseClock, EventLog } from '@ryax/event-log';
import { isOpen, outstandingAttempt, waitReason, type RunState } from '@ryax/workflow';
import { logName, newestAttempt, readChunks, readLogEnds, type LogKey } from '../logs/log-chunks';
import { joinChunks } from '../logs/log-text';
import { entryOf } from '../projections/observations/observation-row';
import type { FoldedRuns } from '../reading/folded-runs';
import type { HeadWatcher, WaitEnding } from '../reading/head-watcher';
import type { QueryHandlers } from './query-handlers';
import { notFound } from './rejection';
import { unknownRun } from './run-queries';

export interface LogQueryParts {
  readonly database: Database;
  readonly log: EventLog;
  readonly clock: Pick<DatabaseClock, 'now'>;
  readonly runs: FoldedRuns;
  readonly logs: HeadWatcher<LogKey>;
}

const defaultLimitBytes = 256 * 1024;
/** An attempt may end, or a lost chunk be given up, without anything being added to its log: rare, hence not often. */
const lookAgainMs = 5_000;
/** A log that was not closed is taken for complete so long after its attempt's end: its executor has gone. */
const silenceMs = 10_000;

type Answer = QueryAnswer<'execution.log'>;

/** Output of an attempt, live or past: chunks are stored as they come, and read in one way. */
export function logQuery(parts: LogQueryParts): Pick<QueryHandlers, 'execution.log'> {
  return {
    'execution.log': async (parameters) => {
      const deadline = performance.now() + (parameters.wait_ms ?? 0);
      for (;;) {
        const { answer, waitForMore } = await readLog(parts, parameters);
        const leftMs = deadline - performance.now();
        if (answer.text !== '' || answer.complete || leftMs <= 0) return answer;
        if ((await waitForMore(Math.min(leftMs, lookAgainMs))) === 'refused') return answer;
      }
    },
  };
}

interface Look {
  readonly answer: Answer;
  readonly waitForMore: (waitMs: number) => Promise<WaitEnding>;
}

async function readLog(parts: LogQueryParts, parameters: QueryParameters<'execution.log'>): Promise<Look> {
  const { project, run_id: runId, execution, offset = 0, limit_bytes = defaultLimitBytes } = parameters;
  const facts = await readFacts(parts, project, runId, execution);
  const newest =
    parameters.attempt ?? facts.outstanding ?? (await newestAttempt(parts.database, { project, runId, execution }));
  // Before any attempt there is nothing to follow but the first one's log.
  const key = { project, runId, execution, attempt: newest ?? 1 };
  const end = (await readLogEnds(parts.database, [key])).get(logName(key)) ?? 0;
  const text = joinChunks(await readChunks(parts.database, key, offset, limit_bytes), offset, limit_bytes);
  const complete = text.complete || (text.text === '' && isSilent(parts, facts, newest));
  return {
    answer: { attempt: newest, text: text.text, next_offset: text.nextOffset, complete },
    waitForMore: (waitMs) => parts.logs.waitBeyond(key, end, waitMs),
  };
}

/** What the run says of the execution, whatever its log says. */
interface ExecutionFacts {
  readonly isRunOpen: boolean;
  /** The attempt that was handed out and has not ended; null when there is none. */
  readonly outstanding: number | null;
  /** Built-in actions say nothing. */
  readonly isSilent: boolean;
  readonly updatedAt: number;
}

async function readFacts(
  { runs, log }: LogQueryParts,
  project: string,
  runId: string,
  execution: string,
): Promise<ExecutionFacts> {
  const facts = await runs.read(project, runId, (state) => factsOf(state, execution));
  if (facts === undefined) throw await unknownRun(log, project, runId);
  if (facts === 'unknown') throw notFound(`Expected an execution ${execution} of run ${runId}, found none`);
  return facts;
}

function factsOf(state: RunState, execution: string): ExecutionFacts | 'unknown' {
  if (waitReason(state, execution) === undefined) return 'unknown';
  return {
    isRunOpen: isOpen(state),
    outstanding: outstandingAttempt(state, execution)?.attempt ?? null,
    isSilent: state.plan.entryById.get(entryOf(execution))?.action?.type === 'builtin',
    updatedAt: state.updatedAt,
  };
}

/** Whether nothing will come although the log was never closed. */
function isSilent({ clock }: LogQueryParts, facts: ExecutionFacts, attempt: number | null): boolean {
  if (attempt === null) return !facts.isRunOpen;
  if (facts.outstanding === attempt) return false;
  return facts.isSilent || clock.now() - facts.updatedAt > silenceMs;
}
