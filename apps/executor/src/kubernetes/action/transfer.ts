import { LinkedSignal, longestTimerMs } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';

/** What gets on moves at least so much within the patience that there is for it: a byte now and then is none. */
const leastBytes = 64 * 1024;

/** A request to a pod's server while it is on its way. */
export interface Transfer {
  /** Aborted when it is not wanted any more, or has not got on for too long. */
  readonly signal: AbortSignal;
  /** Told of all that goes through. */
  readonly moved: (bytes: number) => void;
}

export interface TransferBounds {
  /** For the failure, such as `Bringing rows.csv to its pod`. */
  readonly what: string;
  /** Aborted when it is not wanted any more. */
  readonly signal: AbortSignal;
  /** Without getting on. */
  readonly patienceMs: number;
  /** Told each time that it has got on. */
  readonly gotOn: () => void;
}

/** Ends what does not get on. What does may take as long as it has to. Rejects with an AttemptFailure `lost` when patience ends. */
export async function whileMoving<T>(
  { what, signal, patienceMs, gotOn }: TransferBounds,
  act: (transfer: Transfer) => Promise<T>,
): Promise<T> {
  const stalled = new AbortController();
  const either = new LinkedSignal(signal, stalled.signal);
  const timer = setTimeout(() => stalled.abort(new Error('it does not get on')), Math.min(patienceMs, longestTimerMs));
  let bytes = 0;
  const moved = (count: number) => {
    bytes += count;
    if (bytes < leastBytes) return;
    bytes = 0;
    timer.refresh();
    gotOn();
  };
  try {
    return await act({ signal: either.signal, moved });
  } catch (error) {
    signal.throwIfAborted();
    if (!stalled.signal.aborted) throw error;
    const message = `${what} did not get on for ${patienceMs / 1000} s: ${bytes} bytes went through in that time`;
    throw new AttemptFailure({ kind: 'lost', message }, { cause: error });
  } finally {
    clearTimeout(timer);
    either.unlink();
  }
}

/** A step of a pipeline that tells of what goes through. */
export function telling(moved: Transfer['moved']) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      moved(piece.length);
      yield piece;
    }
  };
}
