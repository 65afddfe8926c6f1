/** What `ask` answers; rejects when it has not answered by then. A dead connection often just says nothing. */
export async function answerWithin<T>(deadlineMs: number, ask: () => Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(ask), late]);
  } finally {
    clearTimeout(timer);
  }
}

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
