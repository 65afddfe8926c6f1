import { backoffMs, reconnectBackoff, type Log } from '@ryax/platform';
import type { Wakes } from './wakes';

/** Follows the log from a checkpoint of its own. */
export interface LogReader {
  readonly name: string;
  /**
   * How long it pauses after a page that was not full, unless somebody is in a hurry: what is committed meanwhile is one page
   * then, and costs about as much as a single event. The first event after a silence is never held up.
   */
  readonly restMs: number;
  /** Forgets what it believed of its checkpoint: another replica may have moved it. */
  resume(): Promise<void>;
  /**
   * Handles the next page and moves the checkpoint.
   * - `full`: there is more, as far as it knows
   * - `moved`: it has seen all there was, and there may be more now
   * - `idle`: it has seen all there is
   * - `waiting`: a transaction that may still commit an earlier event has not ended
   */
  step(): Promise<StepOutcome>;
}

export type StepOutcome = 'full' | 'moved' | 'idle' | 'waiting';

/** The checkpoint was moved by another: two replicas believe that they are the active one. */
export class ReaderMovedError extends Error {
  readonly code = 'reader-moved';

  constructor(
    readonly reader: string,
    readonly expected: number,
  ) {
    super(`Expected reader ${reader} at position ${expected}, found it moved by another replica`);
    this.name = 'ReaderMovedError';
  }
}

/** Without a wake: bounds how late a reader is when the broker loses our wakes. Half a query a second for each reader. */
export const slowPollMs = 2_000;
/** One that goes on failing is not an outage of a moment: an event that it cannot handle holds up all that follow. */
const failuresToReport = 10;
/** At a gap nobody wakes us when the transaction ends. */
const gapPollMs = { first: 5, longest: 250 };

/** Steps a reader until the signal is aborted. Whatever fails is tried again: the checkpoint says from where. */
export async function follow(reader: LogReader, wakes: Wakes, log: Log, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let gapWaitMs = gapPollMs.first;
  let isResumed = false;
  while (!signal.aborted) {
    const seen = wakes.last;
    const seenHurry = wakes.lastHurry;
    try {
      if (!isResumed) await reader.resume();
      isResumed = true;
      const outcome = await reader.step();
      failures = 0;
      if (outcome === 'moved') await wakes.rest(seenHurry, reader.restMs, signal);
      if (outcome === 'idle') await wakes.sleep(seen, slowPollMs, signal);
      if (outcome === 'waiting') await wakes.sleep(wakes.last, gapWaitMs, signal);
      gapWaitMs = outcome === 'waiting' ? Math.min(2 * gapWaitMs, gapPollMs.longest) : gapPollMs.first;
    } catch (error) {
      isResumed = false;
      const delayMs = backoffMs(failures++, reconnectBackoff);
      const level = failures % failuresToReport === 0 ? 'error' : 'warn';
      log[level]('A reader of the log failed and will go on from its checkpoint', {
        reader: reader.name,
        failures,
        error,
      });
      await wakes.sleep(wakes.last, delayMs, signal);
    }
  }
}
