import { answerWithin } from '@ryax/platform';
import type { LogSink } from '../launcher';

/** So long what was told to stop may take to do so, and to clean up after itself. A shutdown has 20 s for everything. */
const momentMs = 1_000;

/** Waits for work that was told to stop, but a moment only. What goes on for longer is left to itself. Never rejects. */
export async function letGo(work: Promise<unknown>): Promise<void> {
  await answerWithin(momentMs, () => work).catch(() => undefined);
}

/** Takes what is written until the signal is aborted: what was left to itself must not write to a log that has ended. */
export function sinkUntil(signal: AbortSignal, sink: LogSink): LogSink {
  return { write: (bytes) => signal.aborted || sink.write(bytes), drained: () => sink.drained() };
}
