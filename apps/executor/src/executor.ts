import type { Broker } from '@ryax/broker';
import type { Attempt, BeatAnswer, Settled } from '@ryax/contracts';
import { Owner, unlessAborted, type Clock, type IdSource, type Log, type Metrics } from '@ryax/platform';
import { AttemptLog } from './attempt-log';
import { addressOf, attemptName, type Addressed } from './attempt-name';
import { Attempts } from './attempts';
import { Envelopes } from './envelope';
import { ExecutorMetrics } from './executor-metrics';
import { Heartbeat } from './heartbeat';
import { Inbox } from './inbox';
import { Inquiries } from './inquiries';
import { incarnationIn, mayShare, placeAmong } from './incarnation';
import type { Adoption, KeptWork, Launcher, LogSink, RunningAttempt } from './launcher';
import type { Taken } from './held-attempt';
import { Lease } from './lease';
import { Outbox } from './outbox';
import { Outcomes } from './outcomes';
import type { PoolHealth } from './pool-health';
import { Reports } from './reports';
import type { ExecutorSettings } from './settings';
import { Timers, type Alarm } from './timers';
import { beginLaunch, beginSleep, launchOf, type Ended, type Work } from './work';

export interface ExecutorParts {
  readonly broker: Broker;
  readonly launcher: Launcher;
  readonly settings: ExecutorSettings;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: PoolHealth;
  readonly alarm?: Alarm;
}

/** What holds up letting go of work, or of a cluster, must not take the time of the shutdown's other steps. */
const leaveMs = 6_000;

/**
 * Turns starts into work and reports what became of it. It holds no truth: killed at any moment, the runner learns from
 * the silence of its incarnation what was lost, and starts it elsewhere, unless its
 * work goes on (`Launcher.kept`): then a new incarnation answers for that of the old one, of which it otherwise knows nothing.
 */
export class Executor {
  readonly incarnation: string;
  private readonly timers: Timers;
  private readonly owner: Owner;
  private readonly lease: Lease;
  private readonly outbox: Outbox;
  private readonly outcomes: Outcomes;
  private readonly attempts: Attempts;
  private readonly heartbeat: Heartbeat;
  private readonly inbox: Inbox;
  /** Only where work is kept. */
  private readonly inquiries: Inquiries | undefined;
  private readonly log: Log;
  private readonly unregister: (() => void)[] = [];
  private readonly envelopes: Envelopes;
  /** As last noticed and logged; what counts is the lease's age. */
  private isLeased = false;
  private closed = false;

  constructor(private readonly parts: ExecutorParts) {
    const { broker, settings, clock, ids, metrics } = parts;
    this.incarnation = settings.share === undefined ? ids.newId() : incarnationIn(settings.pool, ids.newId());
    const reporter = { executor: settings.name, incarnation: this.incarnation };
    const log = (this.log = parts.log.child({ incarnation: this.incarnation }));
    const timers = (this.timers = new Timers(clock, log, parts.alarm));
    const lease = (this.lease = new Lease(clock));
    const envelopes = (this.envelopes = new Envelopes(this.incarnation));
    this.owner = new Owner(log);
    this.outbox = new Outbox(broker, timers, this.owner, log);
    const reports = new Reports(this.outbox, reporter, envelopes);
    const { kept } = parts.launcher;
    const outcomes = (this.outcomes = new Outcomes(reports, clock, settings, log, (of) => kept?.reported(of)));
    this.attempts = new Attempts({
      settings,
      clock,
      timers,
      lease,
      reports,
      outcomes,
      metrics: new ExecutorMetrics(metrics, () => this.gauged()),
      begin: (taken, ended) => this.begin(taken, ended),
    });
    const keepsWork = kept !== undefined;
    this.inquiries = keepsWork ? new Inquiries(kept, this.attempts, this.owner) : undefined;
    this.heartbeat = new Heartbeat(broker, this.attempts, reporter, settings, keepsWork, clock, envelopes, log);
    this.inbox = new Inbox(broker, this.attempts, settings, this.incarnation, {
      beatAnswered: (answer) => this.beatAnswered(answer),
      asked: (attempts, askedAt) => this.asked(attempts, askedAt),
      settled: (attempts) => this.settled(attempts),
      prewarm: parts.launcher.prewarm,
    });
  }

  /**
   * Answers at once, so that a service whose broker is away can say so. Beats begin when the broker is there, starts are
   * taken from the first answered beat on.
   */
  start(): void {
    const { broker, settings, health } = this.parts;
    this.unregister.push(
      health.register('executor broker', () => {
        if (!broker.connected) throw new Error('not connected');
      }),
      health.register('executor lease', () => {
        if (!this.hasLease) throw new Error(`no runner has answered a beat of the last ${settings.leaseMs} ms`);
      }),
    );
    this.owner.run('open the inbox', (signal) => this.open(signal));
  }

  /** Shutdown, first: takes nothing more, gives back what waits, and says so with its next beat. */
  stopTaking(): Promise<void> {
    this.attempts.leave();
    this.sendBeat();
    return Promise.resolve();
  }

  /** Shutdown, second: what runs may finish; then it is stopped, and what it came to is reported and settled. */
  async finish(): Promise<void> {
    const { finishMs, cancelMs, settleMs } = this.parts.settings;
    const { kept } = this.parts.launcher;
    if (kept !== undefined) return this.letGo(kept);
    if (!(await this.timers.atMost(finishMs, this.attempts.empty()))) {
      this.log.warn('Attempts were stopped by the shutdown', { running: this.attempts.running });
      this.attempts.stopAll();
      await this.timers.atMost(cancelMs, this.attempts.empty());
    }
    await this.parts.launcher.close();
    await this.timers.atMost(settleMs, this.attempts.empty());
    const settled = await this.timers.atMost(settleMs, this.outcomes.allSettled());
    if (!settled) this.log.warn('Outcomes were left unsettled', { unsettled: this.outcomes.size });
  }

  /** What is kept goes on without us: only what has ended is seen to its settlement. */
  private async letGo(kept: KeptWork): Promise<void> {
    const { settleMs } = this.parts.settings;
    await this.timers.atMost(leaveMs, kept.leave());
    // What has ended may still wait for its log. Sleeps end with us: nobody has them then, and is asked.
    await this.timers.atMost(settleMs, this.attempts.empty());
    await this.timers.atMost(settleMs, this.outcomes.allSettled());
    await this.timers.atMost(leaveMs, this.parts.launcher.close());
  }

  /** Shutdown, last: the broker is still open, and closed by its owner. */
  async close(): Promise<void> {
    this.closed = true;
    for (const unregister of this.unregister.splice(0)) unregister();
    await this.inbox.close();
    await this.owner.stop();
    this.timers.close();
    this.log.info('Executor left');
  }

  private async open(signal: AbortSignal): Promise<void> {
    const { broker, settings, health } = this.parts;
    try {
      // Before anybody is told that we do not have something.
      await unlessAborted(this.openKept(), signal);
      await unlessAborted(this.inbox.open(), signal);
    } catch (error) {
      if (signal.aborted) return;
      health.fail('executor inbox', error instanceof Error ? error.message : String(error));
      throw error;
    }
    broker.onConnected(() => this.reconnected());
    this.tick();
    const { site, pool, capacity } = settings;
    this.log.info('Executor started', { site, pool, capacity });
  }

  private async openKept(): Promise<void> {
    await this.parts.launcher.kept?.open({
      incarnation: this.incarnation,
      mayBegin: () => this.hasLease,
      mayMakeAhead: () => this.mayMakeAhead,
      adopt: (adoption) => this.adopt(adoption),
    });
  }

  private get hasLease(): boolean {
    return this.lease.isYoungerThan(this.parts.settings.leaseMs);
  }

  /** Each second; all that has to be looked at from time to time. */
  private tick(): void {
    this.timers.after(this.parts.settings.beatMs, () => this.tick());
    this.sendBeat();
    this.checkLease();
    this.outcomes.repeatDue();
    this.attempts.returnImpatient();
  }

  private sendBeat(): void {
    this.owner.run('beat', () => this.heartbeat.beat());
  }

  private checkLease(): void {
    if (this.hasLease) return this.takeStarts();
    if (this.isLeased) this.log.warn('No runner answers any more; starts are given back', { age_ms: this.lease.ageMs });
    this.isLeased = false;
  }

  private takeStarts(): void {
    if (!this.attempts.isLeaving) this.owner.run('take starts', (signal) => this.inbox.takeStarts(signal));
  }

  private beatAnswered({ sent, incarnations }: BeatAnswer): void {
    const hadLease = this.isLeased && this.hasLease;
    this.lease.answered(sent);
    if (this.hasLease && !this.attempts.isLeaving) {
      const { share, pool } = this.parts.settings;
      const sharers = share === undefined ? incarnations : incarnations.filter((each) => mayShare(each, pool));
      this.share(sharers);
      this.parts.launcher.kept?.alive(sharers);
    }
    if (hadLease || !this.hasLease) return;
    this.isLeased = true;
    this.log.info('A runner answered; starts may be spawned');
    this.takeStarts();
    this.announce();
  }

  /** All come to the same shares by themselves: each has heard of the others. */
  private share(incarnations: readonly string[]): void {
    const { share } = this.parts.settings;
    if (share === undefined) return;
    this.attempts.resize(share(...placeAmong(incarnations, this.incarnation)));
  }

  private reconnected(): void {
    if (this.closed) return;
    this.sendBeat();
    this.outbox.hurry();
    this.announce();
  }

  /** After any silence between us and the runners: what they may have missed, or wrongly taken as lost. */
  private announce(): void {
    this.attempts.announce();
    this.outcomes.repeatAll();
  }

  private begin(taken: Taken, ended: Ended): Work {
    const { clock, launcher } = this.parts;
    const { start } = taken;
    const { action } = start;
    if (action.type === 'builtin') return beginSleep(start, clock, this.timers, ended);
    return this.watch(addressOf(start), (sink) => launcher.launch(launchOf(taken, action), sink), ended);
  }

  private asked(attempts: readonly Attempt[], askedAt: number | null): void {
    for (const attempt of attempts) {
      if (this.inquiries === undefined) this.attempts.query(attempt, askedAt);
      else this.inquiries.ask(attempt, askedAt);
    }
  }

  /** What waits for room is not made to wait behind what nobody has asked for. */
  private get mayMakeAhead(): boolean {
    return this.hasLease && !this.attempts.isLeaving && this.attempts.waiting === 0;
  }

  private settled(attempts: Settled['attempts']): void {
    for (const attempt of attempts) {
      this.attempts.settle(attempt);
      this.parts.launcher.kept?.forget(attempt);
    }
  }

  private watch(of: Addressed, launch: (sink: LogSink) => RunningAttempt, ended: Ended): Work {
    const { settings } = this.parts;
    const { timers, owner, outbox, envelopes } = this;
    const log = new AttemptLog(of, outbox, timers, envelopes, settings.logBytesPerAttempt);
    return beginLaunch(attemptName(of), launch, log, { timers, owner, logEndMs: settings.logEndMs }, ended);
  }

  private adopt({ of, since, resources, begin }: Adoption): void {
    this.attempts.adopt({ of, since, resources }, (ended) => this.watch(of, begin, ended));
  }

  private gauged() {
    return {
      running: this.attempts.running,
      waiting: this.attempts.waiting,
      freeSlots: this.attempts.free.slots,
      unsettled: this.outcomes.size,
      unsent: this.outbox.size,
      leaseAgeMs: this.lease.ageMs,
    };
  }
}
