import { limits, type Outcome } from '@ryax/contracts';
import { TransientMap, type Clock, type Log } from '@ryax/platform';
import { addressOf, attemptName, type Addressed } from './attempt-name';
import { outcomeBytes, type Reports } from './reports';
import type { ExecutorSettings } from './settings';

interface Kept {
  of: Addressed;
  readonly outcome: Outcome;
  readonly durationMs: number | null;
  readonly bytes: number;
  readonly endedAtMs: number;
  repeatAtMs: number;
  /** The wait before the next repeat. */
  waitMs: number;
  /** A report of it has not left yet: another one would only queue up behind it. */
  leaving: boolean;
}

/**
 * How attempts ended, kept until the runner has said that it is in the log (`settled`). Reported at once, repeated with
 * growing pauses, when asked, and after every time that a report may have been lost.
 */
export class Outcomes {
  private readonly kept = new TransientMap<string, Kept>();
  private bytes = 0;
  private settledWaiters: (() => void)[] = [];

  constructor(
    private readonly reports: Reports,
    private readonly clock: Clock,
    private readonly settings: ExecutorSettings,
    private readonly log: Log,
    /** It is with the broker, and reaches the runner whatever becomes of us. */
    private readonly reported: (of: Addressed) => void = () => undefined,
  ) {}

  /** @param durationMs null for what never ran */
  add(of: Addressed, ended: Outcome, durationMs: number | null): void {
    const now = this.clock.monotonicMs();
    const outcome = reportable(ended);
    const kept: Kept = {
      of: addressOf(of),
      outcome,
      durationMs,
      bytes: outcomeBytes(outcome),
      endedAtMs: now,
      repeatAtMs: now,
      waitMs: this.settings.repeatAfterMs,
      leaving: false,
    };
    this.kept.set(attemptName(of), kept);
    this.bytes += kept.bytes;
    this.report(kept, now);
  }

  has(name: string): boolean {
    return this.kept.has(name);
  }

  /** Says it again to whoever asks; false when there is no such outcome (any more). */
  repeat(name: string, asker: Addressed): boolean {
    const kept = this.kept.get(name);
    if (kept === undefined) return false;
    kept.of = { ...kept.of, reply_partition: asker.reply_partition };
    this.report(kept, this.clock.monotonicMs());
    return true;
  }

  /** The runner has it in the log. */
  settle(name: string): boolean {
    const kept = this.kept.get(name);
    if (kept === undefined) return false;
    this.forget(name, kept);
    return true;
  }

  /** To be called about once a second. */
  repeatDue(): void {
    const now = this.clock.monotonicMs();
    for (const [name, kept] of this.kept) {
      if (now - kept.endedAtMs > this.settings.forgetAfterMs) this.giveUp(name, kept);
      else if (kept.repeatAtMs <= now) this.report(kept, now);
    }
  }

  /** Reports may have been lost: with the broker's queues, or while nobody listened. */
  repeatAll(): void {
    const now = this.clock.monotonicMs();
    for (const kept of this.kept.values()) this.report(kept, now);
  }

  get isFull(): boolean {
    return this.kept.size >= this.settings.unsettledLimit || this.bytes >= this.settings.unsettledBytes;
  }

  get size(): number {
    return this.kept.size;
  }

  /** Resolves when all are settled. */
  async allSettled(): Promise<void> {
    if (this.kept.size > 0) await new Promise<void>((resolve) => this.settledWaiters.push(resolve));
  }

  private report(kept: Kept, now: number): void {
    kept.repeatAtMs = now + kept.waitMs;
    kept.waitMs = Math.min(2 * kept.waitMs, this.settings.repeatAtMostEveryMs);
    if (kept.leaving) return;
    kept.leaving = true;
    const { of, outcome, durationMs } = kept;
    this.reports.send(of, { report: 'ended', outcome, duration_ms: durationMs }, () => {
      kept.leaving = false;
      this.reported(of);
    });
  }

  private giveUp(name: string, kept: Kept): void {
    const { run_id, execution, attempt } = kept.of;
    this.log.error('An outcome that nobody settled was forgotten', { run_id, execution, attempt });
    this.forget(name, kept);
  }

  private forget(name: string, kept: Kept): void {
    this.kept.delete(name);
    this.bytes -= kept.bytes;
    if (this.kept.size === 0) this.settledWaiters.splice(0).forEach((resolve) => resolve());
  }
}

/** So large that, at six bytes for each UTF-16 unit, no broker would carry it. */
const mostBytes = limits.messageBytes / 8;

/**
 * Launchers move large outputs to the filestore, so this is for their mistakes: an outcome that could never be reported
 * would keep its run from ending.
 */
function reportable(outcome: Outcome): Outcome {
  const bytes = outcomeBytes(outcome);
  if (bytes <= mostBytes) return outcome;
  const message = `Expected an outcome of at most ${mostBytes} bytes, found ${bytes}`;
  return { status: 'failed', failure: { kind: 'invalid', message } };
}
