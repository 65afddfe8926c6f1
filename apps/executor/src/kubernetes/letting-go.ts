import { answerWithin } from '@ryax/platform';
import type { LogSink } from '../launcher';

/** So long what was told to stop may take to do so, and to clean up after itself. A shutdown has 20 s for everything. */
const momentMs = 1_000;

/**
 * What the work comes to; rejects with the signal's reason as soon as nobody wants it any more, whatever holds the work up: a disk or a
 * filestore cannot be interrupted. The work then goes on by itself, cleans up after itself, and how it ends is nobody's concern.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    // What has come to its end counts, whoever wants it.
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Waits for work that was told to stop, but a moment only. What goes on for longer is left to itself. Never rejects. */
export async function letGo(work: Promise<unknown>): Promise<void> {
  await answerWithin(momentMs, () => work).catch(() => undefined);
}

/** Takes what is written until the signal is aborted: what was left to itself must not write to a log that has ended. */
export function sinkUntil(signal: AbortSignal, sink: LogSink): LogSink {
  return { write: (bytes) => signal.aborted || sink.write(bytes), drained: () => sink.drained() };
}
