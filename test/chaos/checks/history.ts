import { isDeepStrictEqual } from 'node:util';
import type { Edge } from '../shape';
import { repeatedOf, runEnds, type AcceptedRun, type LoggedEvent, type Violation } from './violation';

/** What the log says of one accepted run. An empty history is a run that was accepted and lost. */
export function checkHistory(run: AcceptedRun, history: readonly LoggedEvent[]): Violation[] {
  const violation = (category: Violation['category'], what: string): Violation => ({
    category,
    subject: `${run.shape.id} ${run.runId}`,
    what,
  });
  if (history[0]?.type !== 'RunStarted') return [violation('lost', 'it was accepted, and the log does not have it')];
  const wrong = (what: string) => violation('wrong', what);
  return [
    ...checkSequence(history).map(wrong),
    ...checkEnd(history).map((what) => violation('stuck', what)),
    ...checkOutcome(run, history).map(wrong),
    ...checkExecutions(run, history).map(wrong),
    ...checkAttempts(history).map(wrong),
    ...run.shape.edges.flatMap((edge) => checkEdge(edge, history)).map(wrong),
  ];
}

function checkSequence(history: readonly LoggedEvent[]): string[] {
  const gap = history.findIndex(({ version }, index) => version !== index + 1);
  return gap === -1 ? [] : [`expected version ${gap + 1}, found ${history[gap]?.version}`];
}

function checkEnd(history: readonly LoggedEvent[]): string[] {
  if (history.some(({ type }) => runEnds.has(type))) return [];
  return [`it has not ended; its last event is ${history.at(-1)?.type}`];
}

function checkOutcome({ shape, inputs }: AcceptedRun, history: readonly LoggedEvent[]): string[] {
  const ends = history.filter(({ type }) => runEnds.has(type));
  const [end] = ends;
  if (end === undefined) return [];
  const found: string[] = [];
  const after = history.filter(({ version }) => version > end.version);
  if (after.length > 0) found.push(`after ${end.type} came ${after.map(({ type }) => type).join(', ')}`);
  const expected = shape.expected(inputs);
  const state = end.type.slice('Run'.length).toLowerCase();
  if (state !== expected.state) {
    return [...found, `expected it to be ${expected.state}, found ${state}: ${JSON.stringify(end.data)}`];
  }
  if (expected.results !== undefined && !isDeepStrictEqual(end.data.results, expected.results)) {
    found.push(`expected results ${JSON.stringify(expected.results)}, found ${JSON.stringify(end.data.results)}`);
  }
  if (expected.failure !== undefined) {
    const { failure, execution } = end.data;
    if (failure?.kind !== expected.failure.kind || execution !== expected.failure.execution) {
      found.push(`expected it to fail by ${JSON.stringify(expected.failure)}, found ${JSON.stringify(end.data)}`);
    }
  }
  return found;
}

/** What had to happen on the way to the run's end, and what had not. Before its end there is nothing to say yet. */
function checkExecutions({ shape, inputs }: AcceptedRun, history: readonly LoggedEvent[]): string[] {
  if (!history.some(({ type }) => runEnds.has(type))) return [];
  const { mustSucceed, mustNotBegin = [], elements = {} } = shape.expected(inputs);
  const begun = history.filter(({ type }) => type === 'ExecutionScheduled');
  const succeeded = new Set(history.filter(({ type }) => type === 'ExecutionSucceeded').map(executionOf));
  const elementsFound = (entry: string) => new Set(begun.filter((event) => entryOf(event) === entry).map(executionOf));
  return [
    ...mustSucceed.filter((execution) => !succeeded.has(execution)).map((execution) => `${execution} did not succeed`),
    ...mustNotBegin
      .filter((entry) => begun.some((event) => entryOf(event) === entry))
      .map((entry) => `${entry} began, which it must not`),
    ...Object.entries(elements)
      .map(([entry, count]) => ({ entry, count, found: elementsFound(entry).size }))
      .filter(({ count, found }) => found !== count)
      .map(({ entry, count, found }) => `expected ${count} elements of ${entry}, found ${found}`),
  ];
}

const attemptEnds: ReadonlySet<string> = new Set(['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionCancelled']);

function checkAttempts(history: readonly LoggedEvent[]): string[] {
  const handedOut = history.filter(({ type }) => type === 'ExecutionScheduled').map(attemptOf);
  const ended = history.filter(({ type, data }) => attemptEnds.has(type) && data.attempt !== null).map(attemptOf);
  const successes = history.filter(({ type }) => type === 'ExecutionSucceeded').map(executionOf);
  const known = new Set(handedOut);
  const over = new Set(ended);
  const hasEnded = history.some(({ type }) => runEnds.has(type));
  return [
    ...repeatedOf(handedOut).map((attempt) => `attempt ${attempt} was handed out more than once`),
    ...repeatedOf(ended).map((attempt) => `attempt ${attempt} ended more than once`),
    ...repeatedOf(successes).map((execution) => `${execution} succeeded more than once`),
    ...ended.filter((attempt) => !known.has(attempt)).map((attempt) => `attempt ${attempt} ended unscheduled`),
    ...[...known]
      .filter((attempt) => hasEnded && !over.has(attempt))
      .map((attempt) => `attempt ${attempt} was still open at the run's end`),
  ];
}

/** How an execution (or a collection, or a group) ends for those that wait for it. */
function isFinal({ type, data }: LoggedEvent): boolean {
  if (type === 'ExecutionFailed') return data.will_retry === false;
  return ['ExecutionSucceeded', 'ExecutionCancelled', 'ExecutionSkipped', 'CollectionClosed'].includes(type);
}

function checkEdge({ from, to, of }: Edge, history: readonly LoggedEvent[]): string[] {
  const ends = history.filter((event) => isFinal(event) && entryOf(event) === from);
  const begins = history.filter((event) => event.type === 'ExecutionScheduled' && entryOf(event) === to);
  return begins.flatMap((begin) => {
    if (of === 'begun') return checkBegun(from, begin, history);
    const awaited = ends.filter((end) => of === 'all' || elementOf(end) === elementOf(begin));
    if (awaited.length === 0) return [`${executionOf(begin)} began, and ${from} never ended`];
    const late = awaited.find((end) => end.version > begin.version);
    return late === undefined ? [] : [`${executionOf(begin)} began before ${executionOf(late)} had ended`];
  });
}

/** What never began may have no end of its own, nor what was cancelled while it waited for its next attempt. */
function checkBegun(from: string, begin: LoggedEvent, history: readonly LoggedEvent[]): string[] {
  const before = history.filter((event) => event.version < begin.version && entryOf(event) === from);
  const ended = new Set(before.filter(({ type }) => attemptEnds.has(type)).map(attemptOf));
  const open = before.find((event) => event.type === 'ExecutionScheduled' && !ended.has(attemptOf(event)));
  return open === undefined ? [] : [`${executionOf(begin)} began before ${executionOf(open)} had ended`];
}

function executionOf({ data }: LoggedEvent): string {
  return data.execution ?? '';
}

function attemptOf(event: LoggedEvent): string {
  return `${executionOf(event)}#${event.data.attempt}`;
}

/** `clean.7` → `clean`. */
function entryOf(event: LoggedEvent): string {
  return executionOf(event).split('.')[0] ?? '';
}

/** `clean.7` → `7`. */
function elementOf(event: LoggedEvent): string {
  return executionOf(event).split('.').slice(1).join('.');
}
