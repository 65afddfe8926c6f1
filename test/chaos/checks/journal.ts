import {
  repeatedOf,
  streamOf,
  type AcceptedRun,
  type JournalLine,
  type LoggedEvent,
  type Violation,
} from './violation';

/**
 * The journal beside the log: no attempt has had its effect twice, none has had one without being in the log, and none that
 * is recorded as a success has had none.
 */
export function checkJournal(
  runs: readonly AcceptedRun[],
  events: readonly LoggedEvent[],
  journal: readonly JournalLine[],
): Violation[] {
  const done = journal.map(nameOf);
  const places = new Map<string, string[]>();
  for (const line of journal) places.set(nameOf(line), [...(places.get(nameOf(line)) ?? []), line.process]);
  const scheduled = new Set(events.filter(({ type }) => type === 'ExecutionScheduled').map(attemptIn));
  return [
    ...repeatedOf(done).map<Violation>((subject) => ({
      category: 'duplicate effect',
      subject,
      what: `it has had its effect more than once, in processes ${places.get(subject)?.join(' and ')}`,
    })),
    ...[...new Set(done)]
      .filter((name) => !scheduled.has(name))
      .map<Violation>((subject) => ({ category: 'wrong', subject, what: 'it has had an effect that no log knows of' })),
    ...withoutEffect(runs, events, new Set(done)),
  ];
}

function withoutEffect(
  runs: readonly AcceptedRun[],
  events: readonly LoggedEvent[],
  done: ReadonlySet<string>,
): Violation[] {
  const journaled = new Map(runs.map(({ runId, shape }) => [streamOf(runId), new Set(shape.journaled)]));
  return events
    .filter(({ type, stream, data }) => {
      const entry = data.execution?.split('.')[0] ?? '';
      return type === 'ExecutionSucceeded' && journaled.get(stream)?.has(entry) === true;
    })
    .map(attemptIn)
    .filter((name) => !done.has(name))
    .map((subject) => ({ category: 'wrong', subject, what: 'it is recorded as a success and has had no effect' }));
}

function nameOf({ run, execution, attempt }: JournalLine): string {
  return `${streamOf(run)} ${execution}#${attempt}`;
}

function attemptIn({ stream, data }: LoggedEvent): string {
  return `${stream} ${data.execution}#${data.attempt}`;
}
