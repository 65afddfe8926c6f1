import { answerWithin } from '@ryax/platform';
import type { LogSink } from '../launcher';

/** So long what was told to stop may take to do so, and to clean up after itself. A shutdown has 20 s for everything. */
const momentMs = 1_000;

/** Waits for work that was told to stop, but a moment only. What goes on for longer is left to itself. Never rejects. */
export async function letGo(work: Promise<unknown>): Promise<void> {
  await answerWithin(momentMs, () => work).catch(() => undefined);
}

/** What nobody else can do later has so long more. */
const lastMomentMs = 3_000;

/** Does it with a signal that is aborted with `leaving`, or some moments later if nobody else could do it then. */
export async function withLastMoments<T>(
  leaving: AbortSignal,
  isLast: () => boolean,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const abort = () => late.abort(leaving.reason);
  const left = () => {
    if (isLast()) timer = setTimeout(abort, lastMomentMs);
    else abort();
  };
  if (leaving.aborted) left();
  else leaving.addEventListener('abort', left, { once: true });
  try {
    return await act(late.signal);
  } finally {
    leaving.removeEventListener('abort', left);
    clearTimeout(timer);
  }
}

/** Takes what is written until the signal is aborted: what was left to itself must not write to a log that has ended. */
export function sinkUntil(signal: AbortSignal, sink: LogSink): LogSink {
  return { write: (bytes) => signal.aborted || sink.write(bytes), drained: () => sink.drained() };
}
