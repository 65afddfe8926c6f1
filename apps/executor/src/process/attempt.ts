import type { Outcome } from '@ryax/contracts';
import type { Launch, LogSink } from '../launcher';
import { AttemptFailure } from './attempt-failure';
import { outcomeOfStop, type AttemptControl } from './attempt-control';

/** One attempt while it is being run. */
export interface Attempt {
  readonly launch: Launch;
  readonly sink: LogSink;
  readonly control: AttemptControl;
}

/** A line of ours in the attempt's log. */
export function note(sink: LogSink, line: string): void {
  sink.write(Buffer.from(`[ryax] ${line}\n`));
}

/** The outcome that a stop decides, whatever the work has come to meanwhile; otherwise that of the work. */
export function decidedBy(control: AttemptControl, ofWork: () => Promise<Outcome>): Promise<Outcome> {
  return control.stopped === undefined ? ofWork() : Promise.resolve(outcomeOfStop(control.stopped));
}

export function crash(message: string, code?: number | string): AttemptFailure {
  return new AttemptFailure({ kind: 'crash', message, ...(code === undefined ? {} : { code }) });
}
