import type { Report } from '@ryax/contracts';
import type { DatabaseClock } from '@ryax/event-log';
import type { Clock } from '@ryax/platform';
import type { Membership } from './membership';
import type { ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import type { TrackedAttempt, WorkIndex } from './work-index';

/** An inquiry or a cancel that was not answered by then is repeated. */
const repeatAfterMs = 3_000;
/** Queries, cancels and repeated starts of one tick, so that a broker's restart is not followed by a storm. */
const maxPerTick = 2_000;
/** An executor may have taken a start up to a beat after the last beat that the database has of it. */
const beatSlackMs = 1_500;

export interface ReconciliationOptions {
  readonly startValidityMs: number;
}

/** What reconciliation has the decider do. */
export interface Reconciled {
  /** Nobody holds it and nobody will. */
  vanished(attempt: TrackedAttempt, reason: string): void;
  /** Nobody has taken it: its start may be sent again. */
  emitAgain(attempt: TrackedAttempt): void;
}

/**
 * Keeps what the log holds open and what executors hold the same, in both directions (docs/architecture.md):
 *
 * | the attempt | then |
 * |---|---|
 * | has a holder that lives | nothing: it reports, and repeats its report until that is settled |
 * | has a holder that is dead, be it one that only its report told us of | lost |
 * | was given back | its start is emitted again |
 * | has no known holder and its start is younger than its validity | nothing yet |
 * | the same, older | every live executor of its site is asked |
 * | unknown to all that live, and one has died since it was handed out | lost: the dead one may have run it |
 * | unknown to all that live, nobody has died | its start is emitted again, as the same attempt |
 * | unknown to all that live, and it is being cancelled | cancelled, confirmed |
 */
export class Reconciliation {
  private readonly cancelledAt = new Map<TrackedAttempt, number>();

  constructor(
    private readonly index: WorkIndex,
    private readonly executors: ExecutorRegistry,
    private readonly membership: Pick<Membership, 'rememberedExecutors'>,
    private readonly clock: Clock,
    private readonly database: Pick<DatabaseClock, 'now'>,
    private readonly options: ReconciliationOptions,
  ) {}

  /**
   * After a broker's restart or purge: ask about everything open, whatever its age. The answers find holders and lost
   * reports; that nobody knows it counts only when asked after the start has lost its validity, as until then somebody
   * may still take it.
   */
  suspectAll(): void {
    for (const attempt of this.index.outstanding) attempt.isSuspect = true;
  }

  /** @param messageId of the report: it may arrive twice */
  answered(attempt: TrackedAttempt, report: Report, messageId: string): void {
    switch (report.report) {
      case 'unknown':
        attempt.inquiry?.unknownTo.add(report.incarnation);
        if (attempt.holder === report.incarnation) attempt.holder = undefined;
        return;
      case 'started':
      case 'holding':
        attempt.holder = report.incarnation;
        attempt.inquiry = undefined;
        // Also one that died before we began to listen: its silence has to count from some time on.
        this.executors.presume({
          executor: report.executor,
          incarnation: report.incarnation,
          site: attempt.site,
          pools: [],
        });
        return;
      case 'returned':
        return this.returned(attempt, report.incarnation, messageId);
      case 'ended':
        return;
      default:
        report satisfies never;
    }
  }

  /** One look over all outstanding attempts; queries and cancels go to the outbox. */
  async tick(outbox: Outbox, reconciled: Reconciled): Promise<void> {
    const now = this.clock.monotonicMs();
    const since = Math.ceil(this.database.now());
    const silent: TrackedAttempt[] = [];
    let budget = maxPerTick;
    for (const attempt of this.index.outstanding) {
      if (budget <= 0) break;
      if (attempt.cancelling !== null && this.repeatCancel(attempt, now, outbox)) budget--;
      if (attempt.isReturned && attempt.cancelling === null) {
        reconciled.emitAgain(attempt);
        budget--;
      } else if (attempt.holder !== undefined) {
        if (this.executors.isDead(attempt.holder))
          reconciled.vanished(attempt, `its executor ${attempt.holder} is gone`);
      } else if (attempt.isSuspect) {
        attempt.isSuspect = false;
        outbox.query(attempt.site, this.address(attempt), since);
        budget--;
      } else if (now - attempt.emittedAt >= this.options.startValidityMs) {
        if (this.unknownToAll(attempt)) silent.push(attempt);
        else if (this.ask(attempt, now, since, outbox)) budget--;
      }
    }
    for (const attempt of this.cancelledAt.keys()) {
      if (this.index.attempt(attempt.streamId, attempt.execution, attempt.attempt) !== attempt)
        this.cancelledAt.delete(attempt);
    }
    if (silent.length > 0) await this.conclude(silent.slice(0, maxPerTick), reconciled);
  }

  /** A repeat of this message, or a word of somebody other than the holder, is about an earlier start of the attempt. */
  private returned(attempt: TrackedAttempt, incarnation: string, messageId: string): void {
    if (attempt.returnedBy === messageId) return;
    if (attempt.holder !== undefined && attempt.holder !== incarnation) return;
    attempt.returnedBy = messageId;
    attempt.holder = undefined;
    attempt.isReturned = true;
  }

  private ask(attempt: TrackedAttempt, now: number, since: number, outbox: Outbox): boolean {
    if (attempt.inquiry !== undefined && now - attempt.inquiry.askedAt < repeatAfterMs) return false;
    attempt.inquiry = { askedAt: now, since, unknownTo: attempt.inquiry?.unknownTo ?? new Set() };
    outbox.query(attempt.site, this.address(attempt), since);
    return true;
  }

  private repeatCancel(attempt: TrackedAttempt, now: number, outbox: Outbox): boolean {
    const last = this.cancelledAt.get(attempt);
    if (last !== undefined && now - last < repeatAfterMs) return false;
    this.cancelledAt.set(attempt, now);
    outbox.cancel(attempt.site, { ...this.address(attempt), force: attempt.cancelling?.force ?? false });
    return true;
  }

  private address(attempt: TrackedAttempt) {
    const { project, runId, execution, partition } = attempt;
    return { project, run_id: runId, execution, attempt: attempt.attempt, reply_partition: partition };
  }

  private unknownToAll(attempt: TrackedAttempt): boolean {
    const { inquiry } = attempt;
    if (inquiry === undefined) return false;
    return this.executors.alive(attempt.site).every(({ incarnation }) => inquiry.unknownTo.has(incarnation));
  }

  private async conclude(silent: readonly TrackedAttempt[], reconciled: Reconciled): Promise<void> {
    const remembered = await this.membership.rememberedExecutors();
    const dead = remembered.filter((member) => !this.executors.isAlive(member.incarnation));
    for (const attempt of silent) {
      const suspect = dead.find(
        (member) => member.site === attempt.site && member.beatAt + beatSlackMs >= attempt.scheduledAt,
      );
      if (attempt.cancelling !== null) reconciled.vanished(attempt, 'no executor holds it');
      else if (suspect !== undefined)
        reconciled.vanished(attempt, `executor ${suspect.id}, which may have run it, is gone`);
      else if (this.executors.alive(attempt.site).length > 0) reconciled.emitAgain(attempt);
    }
  }
}
