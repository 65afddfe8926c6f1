import { routingKeys, type Answer, type Report } from '@ryax/contracts';
import type { DatabaseClock, Member } from '@ryax/event-log';
import type { Clock } from '@ryax/platform';
import { rememberedMs, type Membership } from './membership';
import type { ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import { addressOf, type TrackedAttempt, type WorkIndex } from './work-index';

/** A question or a cancel that was not answered by then is repeated; an attempt is not asked about more often. */
const repeatAfterMs = 3_000;
/** A holder is asked whether it still is one: whatever we got wrong, or did not hear, holds a run up for no longer. */
const holderAskedEveryMs = 60_000;
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

/** One look over all outstanding attempts. */
interface Look {
  readonly now: number;
  /** The same by the database. */
  readonly since: number;
  readonly outbox: Outbox;
  readonly reconciled: Reconciled;
  /** What is known to nobody that lives. */
  readonly silent: TrackedAttempt[];
}

/**
 * Keeps what the log holds open and what executors hold the same, in both directions (docs/architecture.md):
 *
 * | the attempt | then |
 * |---|---|
 * | is suspect: something was said of it that does not fit, or the broker was away | every live executor of its site is asked |
 * | was given back | its start is emitted again, to another executor while there is one that has not given it back |
 * | has a holder that is dead, be it one that only its report told us of | lost |
 * | has a holder that lives | it reports, and repeats its report until that is settled; now and then it is asked |
 * | has no known holder and its start is younger than its validity | nothing yet |
 * | the same, older | every live executor of its site is asked |
 * | unknown to all that live, and one has died since it was handed out | lost: the dead one may have run it |
 * | unknown to all that live, nobody has died | its start is emitted again, as the same attempt |
 * | unknown to all that live, and it is being cancelled | cancelled, confirmed |
 * | nobody lives, nobody has died | nothing: nobody has said anything, and nobody could take it |
 *
 * Where work outlives its executor (pods; docs/adr/0306-work-that-outlives-its-executor.md), a death proves less:
 *
 * | the attempt, at a site that keeps work | then |
 * |---|---|
 * | has a holder that is dead | the holder is forgotten: every live executor of the site is asked, as one may have it now |
 * | has no known holder, and who lived when we asked has died since | every live executor is asked anew: what they said was true before |
 * | is not answered for by one that lives, as when it has yet to adopt a pod that it sees | that is asked again |
 * | unknown to all that live, and one has died since it was handed out, or it is older than the dead are remembered | lost |
 * | nobody lives, whoever has died | nothing, be it cancelled or not: it may run on |
 *
 * Everything that is said may come late or twice. So it counts only by what it answers: `returned` and `holding` the start that
 * we have sent last, `unknown` and `holding` the question that we have asked last. All else is a reason to ask.
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

  heard(attempt: TrackedAttempt, said: Answer | Report): void {
    if ('answer' in said) this.answered(attempt, said);
    else this.reported(attempt, said);
  }

  /** One look over all outstanding attempts; queries and cancels go to the outbox. */
  async tick(outbox: Outbox, reconciled: Reconciled): Promise<void> {
    const now = this.clock.monotonicMs();
    const look: Look = { now, since: Math.ceil(this.database.now()), outbox, reconciled, silent: [] };
    let budget = maxPerTick;
    for (const attempt of this.index.outstanding) {
      if (budget <= 0) break;
      if (attempt.cancelling !== null && this.repeatCancel(attempt, look)) budget--;
      if (this.lookAt(attempt, look)) budget--;
    }
    for (const attempt of this.cancelledAt.keys()) {
      if (this.index.attempt(attempt.streamId, attempt.execution, attempt.attempt) !== attempt)
        this.cancelledAt.delete(attempt);
    }
    if (look.silent.length > 0) await this.conclude(look.silent.slice(0, maxPerTick), reconciled);
  }

  private answered(attempt: TrackedAttempt, answer: Answer): void {
    const { incarnation } = answer;
    const { inquiry } = attempt;
    switch (answer.answer) {
      case 'holding': {
        const isAsked = inquiry !== undefined && inquiry.since === answer.asked_at;
        return this.holds(attempt, answer, isAsked || isOfOurStart(attempt, answer));
      }
      case 'unknown':
        if (inquiry === undefined || inquiry.since !== answer.asked_at) return;
        inquiry.unknownTo.add(incarnation);
        if (attempt.holder === incarnation) attempt.holder = undefined;
        return;
      case 'returned':
        if (!isOfOurStart(attempt, answer)) {
          attempt.isSuspect = true;
        } else if (attempt.holder === undefined || attempt.holder === incarnation) {
          attempt.holder = undefined;
          attempt.isReturned = true;
          const byOthers = attempt.givenBack.filter(({ by }) => by !== incarnation);
          attempt.givenBack = [...byOthers, { by: incarnation, beats: this.executors.beatsOf(incarnation) }];
        }
        return;
      default:
        answer satisfies never;
    }
  }

  /** What does not say what it answers. Whoever has started an attempt does not give it back, so that of our own start is no news. */
  private reported(attempt: TrackedAttempt, report: Report): void {
    switch (report.report) {
      case 'started':
        return this.holds(attempt, report, report.incarnation === attempt.sentTo);
      case 'holding':
        return this.holds(attempt, report, false);
      case 'unknown':
        if (attempt.holder === report.incarnation) attempt.isSuspect = true;
        return;
      case 'returned':
        attempt.isSuspect = true;
        return;
      case 'ended':
        return;
      default:
        report satisfies never;
    }
  }

  private holds(attempt: TrackedAttempt, said: Answer | Report, isCurrent: boolean): void {
    const { executor, incarnation } = said;
    // Also one that died before we began to listen: its silence has to count from some time on.
    this.executors.presume({ executor, incarnation, site: attempt.site, pools: [], kinds: [], keepsWork: false });
    if (isCurrent) {
      attempt.holder = incarnation;
      attempt.isReturned = false;
      if (attempt.inquiry !== undefined) attempt.inquiry.isAnswered = true;
    } else if (attempt.holder !== incarnation) {
      attempt.isSuspect = true;
    }
  }

  /** @returns whether something is sent for it */
  private lookAt(attempt: TrackedAttempt, look: Look): boolean {
    if (this.isLeftAlone(attempt)) return false;
    const { holder } = attempt;
    if (attempt.isSuspect && this.ask(attempt, routingKeys.query(attempt.site), look)) {
      attempt.isSuspect = false;
      return true;
    }
    if (attempt.isReturned && attempt.cancelling === null) {
      look.reconciled.emitAgain(attempt);
      return true;
    }
    if (holder !== undefined) {
      if (!this.executors.isDead(holder)) return this.askHolder(attempt, holder, look);
      look.reconciled.vanished(attempt, `its executor ${holder} is gone`);
    } else if (this.unknownToAll(attempt)) {
      look.silent.push(attempt);
    } else if (this.isPastValidity(attempt, look.now)) {
      return this.ask(attempt, routingKeys.query(attempt.site), look);
    }
    return false;
  }

  /** Whether its work outlives its executor, and nobody is there who could say anything of it. */
  private isLeftAlone(attempt: TrackedAttempt): boolean {
    const { site } = attempt;
    if (!this.executors.keepsWork(site)) return false;
    this.forgetDead(attempt);
    return attempt.holder === undefined && this.executors.alive(site).length === 0;
  }

  /** Whoever lives may since have what a dead one held, or what it began after the others had called it unknown. */
  private forgetDead(attempt: TrackedAttempt): void {
    const { holder, inquiry } = attempt;
    if (holder === undefined) {
      const isOutdated = inquiry?.madeAmong.some((incarnation) => !this.executors.isAlive(incarnation));
      if (isOutdated === true) attempt.inquiry = undefined;
    } else if (this.executors.isDead(holder)) {
      attempt.holder = undefined;
      attempt.inquiry = undefined;
    }
  }

  private askHolder(attempt: TrackedAttempt, holder: string, look: Look): boolean {
    const { inquiry } = attempt;
    if (inquiry?.isAnswered === false) return this.ask(attempt, inquiry.to, look);
    const isDue = look.now - (inquiry?.askedAt ?? attempt.emittedAt) >= holderAskedEveryMs;
    return isDue && this.ask(attempt, routingKeys.executor(holder), look);
  }

  /**
   * The same question is put until it is answered: whoever has answered one copy has answered all. One that was asked while the
   * start was valid is another.
   */
  private ask(attempt: TrackedAttempt, to: string, { now, since, outbox }: Look): boolean {
    const { inquiry } = attempt;
    if (inquiry !== undefined && now - inquiry.askedAt < repeatAfterMs) return false;
    const isConclusive = this.isPastValidity(attempt, now);
    const isRepeat = inquiry?.isAnswered === false && inquiry.to === to && inquiry.isConclusive === isConclusive;
    const question = isRepeat
      ? inquiry
      : {
          to,
          // Also newer than the start, should the database's clock have been set back.
          since: Math.max(since, attempt.since + 1),
          isConclusive,
          madeAmong: this.executors.alive(attempt.site).map(({ incarnation }) => incarnation),
          unknownTo: new Set<string>(),
          isAnswered: false,
          askedAt: now,
        };
    question.askedAt = now;
    attempt.inquiry = question;
    outbox.query(to, addressOf(attempt), question.since);
    return true;
  }

  private repeatCancel(attempt: TrackedAttempt, { now, outbox }: Look): boolean {
    const last = this.cancelledAt.get(attempt);
    if (last !== undefined && now - last < repeatAfterMs) return false;
    this.cancelledAt.set(attempt, now);
    outbox.cancel(attempt.site, { ...addressOf(attempt), force: attempt.cancelling?.force ?? false });
    return true;
  }

  private isPastValidity(attempt: TrackedAttempt, now: number): boolean {
    return now - attempt.emittedAt >= this.options.startValidityMs;
  }

  /** Where nobody lives this says nothing; what follows then is {@link conclude}d from who has died. */
  private unknownToAll({ inquiry, site }: TrackedAttempt): boolean {
    if (inquiry?.isConclusive !== true) return false;
    return this.executors.alive(site).every(({ incarnation }) => inquiry.unknownTo.has(incarnation));
  }

  private async conclude(silent: readonly TrackedAttempt[], reconciled: Reconciled): Promise<void> {
    const remembered = await this.membership.rememberedExecutors();
    const dead = remembered.filter((member) => !this.executors.isAlive(member.incarnation));
    for (const attempt of silent) {
      const mayHaveRun = this.mayHaveRun(attempt, dead);
      if (mayHaveRun !== undefined) reconciled.vanished(attempt, `${mayHaveRun}, which may have run it, is gone`);
      else if (this.executors.alive(attempt.site).length === 0) continue;
      else if (attempt.cancelling !== null) reconciled.vanished(attempt, 'no executor holds it');
      else reconciled.emitAgain(attempt);
    }
  }

  private mayHaveRun({ site, scheduledAt }: TrackedAttempt, dead: readonly Member[]): string | undefined {
    const suspect = dead.find((member) => member.site === site && member.beatAt + beatSlackMs >= scheduledAt);
    if (suspect !== undefined) return `executor ${suspect.id}`;
    // It has waited for somebody to come for longer than the dead are remembered.
    const isOld = this.database.now() - scheduledAt >= rememberedMs;
    return isOld && this.executors.keepsWork(site) ? 'an executor that is not remembered any more' : undefined;
  }
}

function isOfOurStart(
  attempt: TrackedAttempt,
  { incarnation, since }: { readonly incarnation: string; readonly since: number | null },
): boolean {
  return attempt.sentTo === incarnation && attempt.since === since;
}
