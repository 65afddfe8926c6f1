import type { Outcome, Start } from '@ryax/contracts';
import { TransientMap } from '@ryax/platform';
import { addressOf, attemptName, type Addressed } from './attempt-name';
import type { Adopted, AttemptsContext } from './attempts-context';
import type { Running, Taken, Waiting } from './held-attempt';
import { lostUnlessFinished, rejection } from './judgements';
import type { AttemptEnd } from './launcher';
import { OutdatedStarts } from './outdated-starts';
import { Remembered } from './remembered';
import { ResourcePool, type Amounts } from './resource-pool';
import { noopOutcome, type Ended, type Work } from './work';

/**
 * The attempts that this executor holds, and what each message does to them:
 *
 * | | start | query | cancel | settled |
 * |---|---|---|---|---|
 * | not held | taken, or `returned` with the reason; nothing if the broker delivers it again, or we have called it unknown, or given it back, since, or it is a copy of one that we have taken | `unknown` | nothing; its start, if it still comes, ends cancelled | remembered |
 * | waiting | `holding` | `holding` | ends cancelled | dropped |
 * | running | `holding` | `holding` | stopped, ends as it ends | stopped, ends unreported |
 * | ended | `ended` again | `ended` again | `ended` again | forgotten |
 * | settled a while ago | nothing | `unknown`, and may start again | nothing | nothing |
 *
 * A runner emits an attempt again only after all executors have called it unknown; so after such an answer, and only
 * then, a start of a settled attempt is meant (a log that was restored), and is no straggler.
 *
 * Answers that promise something ({@link OutdatedStarts}) say which question, or which start, they are about: a runner that hears
 * one late must not take it for the answer to something newer. A cancel promises nothing, and so it is not answered by who does
 * not know what it is about.
 */
export class Attempts {
  private readonly held = new TransientMap<string, Waiting | Running>();
  private readonly pool: ResourcePool<string>;
  private readonly settled: Remembered;
  private readonly cancelledUnread: Remembered;
  private readonly outdated: OutdatedStarts;
  private runningCount = 0;
  private leaving = false;
  private emptyWaiters: (() => void)[] = [];

  constructor(private readonly context: AttemptsContext) {
    const { capacity, largest, share, poolRules, rememberedLimit, rememberedMs } = context.settings;
    // Whoever shares a pool has nothing of it before it has heard with how many.
    this.pool = new ResourcePool(share === undefined ? capacity : nothing, poolRules, largest ?? capacity);
    this.settled = new Remembered(rememberedLimit, rememberedMs);
    this.cancelledUnread = new Remembered(rememberedLimit, rememberedMs);
    this.outdated = new OutdatedStarts(context.clock, rememberedLimit, rememberedMs);
  }

  /** What the pool has free; nothing once we leave. */
  get free(): Amounts {
    return this.leaving ? nothing : this.pool.free;
  }

  /** What of the pool is ours, and never less than what runs; no slots once we leave. */
  get offered(): Amounts {
    const { size } = this.pool;
    return this.leaving ? { ...size, slots: 0 } : size;
  }

  /** Whether it is held, or has ended and is not settled. */
  has(name: string): boolean {
    return this.held.has(name) || this.context.outcomes.has(name);
  }

  get isLeaving(): boolean {
    return this.leaving;
  }

  get running(): number {
    return this.runningCount;
  }

  get waiting(): number {
    return this.pool.waitingCount;
  }

  /**
   * @param redelivered the broker has delivered it before: to somebody who may hold it, or may have run it and died. It is
   *   left to its runner, which asks everybody before it emits an attempt again; a broker does not.
   */
  take(taken: Taken, redelivered: boolean): void {
    const { start, since } = taken;
    const { outcomes, metrics, clock } = this.context;
    const name = attemptName(start);
    const now = clock.monotonicMs();
    const held = this.held.get(name);
    if (held !== undefined) {
      metrics.startRead('repeated');
      return this.sayHolding(start, held, null);
    }
    if (outcomes.repeat(name, start)) return metrics.startRead('repeated');
    if (this.settled.has(name, now)) return metrics.startRead('settled-before');
    if (redelivered) return metrics.startRead('redelivered');
    if (since !== null && this.outdated.has(name, since)) return metrics.startRead('outdated');
    if (this.cancelledUnread.has(name, now)) {
      metrics.startRead('cancelled-before');
      return this.end(start, { status: 'cancelled' }, null);
    }
    const reason = this.reasonToReturn(start);
    if (reason !== undefined) return this.giveBack(taken, reason);
    if (since !== null) this.outdated.took(name, since);
    if (start.action.type === 'builtin') return this.spawn(name, taken, now);
    this.queue(name, taken, now);
  }

  cancel(asked: Addressed, force: boolean): void {
    const name = attemptName(asked);
    const held = this.held.get(name);
    if (held?.state === 'running') {
      if (held.stopping === 'no') held.stopping = 'cancelled';
      held.work.cancel(force);
    } else if (held?.state === 'waiting') {
      this.drop(name);
      this.end(held.taken.start, { status: 'cancelled' }, null);
      this.admit();
    } else if (!this.context.outcomes.repeat(name, asked)) {
      this.cancelledUnread.add(name, this.context.clock.monotonicMs());
    }
  }

  /** @param askedAt by the database; null if the runner does not say: then the answer promises nothing, and proves nothing */
  query(asked: Addressed, askedAt: number | null): void {
    const name = attemptName(asked);
    const held = this.held.get(name);
    if (held !== undefined) return this.sayHolding(asked, held, askedAt);
    if (this.context.outcomes.repeat(name, asked)) return;
    this.settled.forget(name);
    if (askedAt !== null) this.outdated.promise(name, askedAt);
    this.context.reports.answer(asked, { answer: 'unknown', asked_at: askedAt });
  }

  /** Held from now on, whether there is room or not: it runs. What was said of it before it was ours holds. */
  adopt({ of, since, resources }: Adopted, begin: (ended: Ended) => Work): void {
    const name = attemptName(of);
    if (this.has(name)) return;
    const now = this.context.clock.monotonicMs();
    this.pool.occupy(name, this.context.settings.amountsOf(resources));
    const held: Running = {
      state: 'running',
      of: addressOf(of),
      since,
      work: begin((end) => this.ended(name, end)),
      startedReport: undefined,
      stopping: 'no',
    };
    this.held.set(name, held);
    this.runningCount++;
    this.sayHolding(of, held, null);
    if (this.settled.has(name, now)) this.settle(of);
    else if (this.cancelledUnread.has(name, now)) this.cancel(of, false);
  }

  settle(closed: Omit<Addressed, 'reply_partition'>): void {
    const name = attemptName(closed);
    const held = this.held.get(name);
    if (held?.state === 'running') {
      held.stopping = 'closed';
      held.work.cancel(false);
    } else if (held?.state === 'waiting') {
      this.drop(name);
      this.admit();
    } else {
      this.context.outcomes.settle(name);
    }
    this.settled.add(name, this.context.clock.monotonicMs());
  }

  /** So much of the pool is ours from now on. */
  resize(capacity: Amounts): void {
    this.pool.resize(capacity);
    this.admit();
  }

  /** Says what is held: somebody may have counted us, or our reports, as lost. */
  announce(): void {
    for (const held of this.held.values()) {
      this.sayHolding(held.state === 'running' ? held.of : held.taken.start, held, null);
    }
  }

  /** Gives back what waited for too long; to be called about once a second. */
  returnImpatient(): void {
    const now = this.context.clock.monotonicMs();
    for (const name of this.pool.impatient(now)) this.returnWaiting(name, 'no room in the pool of this executor');
    this.admit();
  }

  /** Takes nothing more and gives back what waits. */
  leave(): void {
    this.leaving = true;
    for (const [name, { state }] of this.held) {
      if (state === 'waiting') this.returnWaiting(name, leavingReason);
    }
  }

  /** Resolves when nothing runs. */
  async empty(): Promise<void> {
    if (this.runningCount > 0) await new Promise<void>((resolve) => this.emptyWaiters.push(resolve));
  }

  /** Stops what still runs. Nobody has cancelled it, so its runner is told that it is lost, and tries again elsewhere. */
  stopAll(): void {
    for (const held of [...this.held.values()]) {
      if (held.state !== 'running') continue;
      if (held.stopping === 'no') held.stopping = 'leaving';
      held.work.cancel(false);
    }
  }

  private sayHolding(to: Addressed, held: Waiting | Running, askedAt: number | null): void {
    const since = held.state === 'running' ? held.since : held.taken.since;
    this.context.reports.answer(to, { answer: 'holding', since, asked_at: askedAt });
  }

  private reasonToReturn({ valid_for_ms, action }: Start): string | undefined {
    const { lease, outcomes, settings } = this.context;
    if (this.leaving) return leavingReason;
    if (!lease.isYoungerThan(valid_for_ms)) return noLeaseReason;
    if (outcomes.isFull) return 'too many outcomes of this executor wait to be settled';
    if (action.type === 'builtin' && this.runningCount >= settings.sleepingLimit) return 'too many attempts sleep here';
    return undefined;
  }

  private queue(name: string, taken: Taken, now: number): void {
    const { start } = taken;
    const asked = this.context.settings.amountsOf(start.resources);
    const shortfalls = this.pool.shortfalls(asked);
    if (shortfalls.length > 0) {
      this.context.metrics.startRead('rejected');
      return this.end(start, rejection(shortfalls, this.context.settings.pool), null);
    }
    const offer = this.pool.offer(name, asked, now);
    switch (offer) {
      case 'admitted':
        return this.spawn(name, taken, now);
      case 'waiting':
        this.held.set(name, { state: 'waiting', taken, takenAtMs: now });
        return;
      case 'full':
        return this.giveBack(taken, 'too many starts wait for room in the pool of this executor');
      default:
        return offer satisfies never;
    }
  }

  /** Starts whatever fits now. What loses its lease meanwhile makes room for others in turn. */
  private admit(): void {
    for (;;) {
      const admitted = this.pool.admit(this.context.clock.monotonicMs());
      if (admitted.length === 0) return;
      for (const name of admitted) {
        const held = this.held.get(name);
        if (held?.state === 'waiting') this.spawn(name, held.taken, held.takenAtMs);
      }
    }
  }

  /** The last look at the lease is here, right before anything happens that could not be undone. */
  private spawn(name: string, taken: Taken, takenAtMs: number): void {
    const { start } = taken;
    const { lease, clock, timers, metrics, settings, begin, reports } = this.context;
    const now = clock.monotonicMs();
    if (!lease.isYoungerThan(start.valid_for_ms)) {
      this.drop(name);
      return this.giveBack(taken, noLeaseReason);
    }
    metrics.startRead('spawned');
    const { action } = start;
    if (action.type === 'builtin' && action.name === 'noop') return this.end(start, noopOutcome(start), 0);
    if (action.type !== 'builtin') metrics.foundRoom(now - takenAtMs);
    const of = addressOf(start);
    this.held.set(name, {
      state: 'running',
      of,
      since: taken.since,
      work: begin(taken, (end) => this.ended(name, end)),
      startedReport: timers.after(settings.startedAfterMs, () => {
        reports.send(of, { report: 'started', started_ms_ago: Math.round(clock.monotonicMs() - now) });
      }),
      stopping: 'no',
    });
    this.runningCount++;
  }

  private ended(name: string, end: AttemptEnd | 'left'): void {
    const held = this.held.get(name);
    if (held?.state !== 'running') return;
    held.startedReport?.cancel();
    this.runningCount--;
    this.drop(name);
    if (end !== 'left') this.endedHere(held, end);
    this.admit();
    if (this.runningCount === 0) this.emptyWaiters.splice(0).forEach((resolve) => resolve());
  }

  private endedHere({ of, stopping }: Running, { outcome, durationMs }: AttemptEnd): void {
    if (stopping === 'closed') this.context.metrics.ended(outcome);
    else this.end(of, stopping === 'cancelled' ? outcome : lostUnlessFinished(outcome), durationMs);
  }

  private end(of: Addressed, outcome: Outcome, durationMs: number | null): void {
    this.context.metrics.ended(outcome);
    this.context.outcomes.add(of, outcome, durationMs);
  }

  private returnWaiting(name: string, reason: string): void {
    const held = this.held.get(name);
    if (held?.state !== 'waiting') return;
    this.drop(name);
    this.giveBack(held.taken, reason);
  }

  private giveBack({ start, since }: Taken, reason: string): void {
    if (since !== null) this.outdated.promise(attemptName(start), since + 1);
    this.context.metrics.startRead('returned');
    this.context.reports.answer(start, { answer: 'returned', since, reason });
  }

  private drop(name: string): void {
    this.held.delete(name);
    this.pool.release(name);
  }
}

const nothing: Amounts = { slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 };
const leavingReason = 'this executor is shutting down';
const noLeaseReason = 'no runner has answered the beats of this executor lately';
