import type { DatabaseClock, EventLog, StreamHead, WakeupMove } from '@ryax/event-log';
import { LinkedSignal, wait } from '@ryax/platform';
import { wakeupOf } from './stream-append';
import type { StreamStore } from './stream-store';
import { internalItem, type WorkItem } from './work-item';

/** A timer that another runner has set, or that we missed, is found this late at most. */
const pollMs = 1_000;
const pageSize = 500;
/** A run that could not be woken, or is still due afterwards, is left alone for so long: it would be due for ever. */
const postponeMs = 5_000;
/** A run that a timer has made ready and that nothing was appended for is looked at again so often, until it is handed out. */
const readyMs = 60_000;

export interface TimedRuns {
  partitions(): ReadonlySet<number>;
  submit(items: readonly WorkItem[]): Promise<void>;
  newId(): string;
}

/**
 * Timers are rows of the log, not memory. This loop sleeps until the next one that it knows of, asks which are due in
 * the database's time, and wakes their runs.
 */
export class Timers {
  private earliest = Infinity;
  private interrupt: (() => void) | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly clock: Pick<DatabaseClock, 'now'>,
    private readonly store: StreamStore,
    private readonly runs: TimedRuns,
  ) {}

  /** A run of ours wants to be woken then. */
  note(wakeupAt: number | null): void {
    if (wakeupAt === null || wakeupAt >= this.earliest) return;
    this.earliest = wakeupAt;
    this.interrupt?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sleep(signal);
      this.earliest = Infinity;
      const partitions = [...this.runs.partitions()];
      if (partitions.length === 0) continue;
      await this.fire(partitions);
      this.note((await this.log.nextWakeup(partitions)) ?? null);
    }
  }

  private async sleep(signal: AbortSignal): Promise<void> {
    const interrupted = new AbortController();
    this.interrupt = () => interrupted.abort();
    const ms = Math.min(pollMs, Math.max(1, this.earliest - this.clock.now()));
    const either = new LinkedSignal(signal, interrupted.signal);
    await wait(ms, either.signal).catch(() => undefined);
    either.unlink();
    this.interrupt = undefined;
    // Interrupted because an earlier timer appeared: sleep again, until that one.
    if (interrupted.signal.aborted && !signal.aborted && this.earliest > this.clock.now()) await this.sleep(signal);
  }

  private async fire(partitions: readonly number[]): Promise<void> {
    for (;;) {
      const due = await this.log.dueHeads(partitions, pageSize);
      await this.runs.submit(due.map((head) => internalItem(head.streamId, { type: 'wake' }, this.runs.newId())));
      const moves = due.flatMap((head) => this.moveOf(head) ?? []);
      if (moves.length > 0) await this.log.moveWakeups(moves);
      if (due.length < pageSize) return;
    }
  }

  /**
   * A firing that appended nothing would be due for ever: its timer is moved instead, and never taken away. That a retry is due is in our
   * memory alone; who owns the run by then, where we do not know yet that we have lost it, has only the timer to learn it from.
   */
  private moveOf({ streamId, version }: StreamHead): WakeupMove | undefined {
    const stream = this.store.peek(streamId);
    const now = this.clock.now();
    if (stream === undefined) return { streamId, seenVersion: version, wakeupAt: now + postponeMs };
    if (stream.version !== version) return undefined;
    const wakeupAt = wakeupOf(stream) ?? now + readyMs;
    return { streamId, seenVersion: version, wakeupAt: wakeupAt <= now ? now + postponeMs : wakeupAt };
  }
}
