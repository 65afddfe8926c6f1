import { limits, type CommandReply, type DomainEvent, type Message, type Rejection } from '@ryax/contracts';
import type { FileStore } from '@ryax/filestore';
import type { Clock, IdSource, Log } from '@ryax/platform';
import type { OutstandingAttempt, StartRequest } from '@ryax/workflow';
import { replyAt, type StreamDecision } from './decider';
import type { ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import type { RunnerMetrics } from './runner-metrics';
import { fitInputs, mayBeLarge, startTooLarge } from './start-inputs';
import type { RunStream } from './stream-store';
import type { LoadableValues, Values } from './values';
import type { WakeSignal } from './wake-signal';
import type { RecentEnds } from './window';
import { internalItem, type WorkItem } from './work-item';
import { addressOf, type TrackedAttempt, type WorkIndex } from './work-index';

const maxStartRounds = 64;

export interface EffectsParts {
  readonly outbox: Outbox;
  readonly index: WorkIndex;
  readonly executors: ExecutorRegistry;
  readonly values: Values;
  readonly files: FileStore;
  readonly wakes: WakeSignal;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly metrics: RunnerMetrics;
  readonly log: Log;
  readonly recentEnds: RecentEnds;
  /** Has the decider decide it soon. */
  readonly submit: (item: WorkItem) => void;
}

/**
 * What follows from a commit, and never precedes it: starts and cancels to executors, answers to askers, `settled` to
 * whoever reported, the index of open work, the hint to readers of the log; and last the acknowledgement.
 */
export class Effects {
  private readonly starting: Promise<void>[] = [];

  constructor(
    private readonly parts: EffectsParts,
    private readonly options: { readonly startValidityMs: number; readonly inlineValueBytes: number },
    /** What is not ours is watched by its owner; a watch of our own would never end. */
    private readonly isOurs: (streamId: string) => boolean,
  ) {}

  /** The decision's events are in the log. */
  committed(decision: StreamDecision, position: number): void {
    const { stream } = decision;
    let version = decision.baseVersion;
    for (const { event, stored } of decision.events) {
      version++;
      this.parts.metrics.appended(event.type);
      if (stream.kind === 'run') this.follow(stream, event);
      this.rememberValue(stream.streamId, version, event, stored.data.length);
    }
    this.watch(decision);
    this.answer(decision, position);
    this.parts.wakes.grew(position);
  }

  /** The decision appended nothing, and holds at the head. */
  unchanged(decision: StreamDecision): void {
    this.watch(decision);
    this.answer(decision, null);
  }

  /** Refuses an item whose stream cannot even be loaded. */
  refuse(item: WorkItem, rejection: Rejection): void {
    this.reply(item, { status: 'rejected', rejection });
    this.settle(item);
    item.delivery?.ack();
  }

  /** Sends what has gathered. What is lost on the way is emitted again from the log. */
  flush(): void {
    const starting = this.starting.splice(0);
    this.parts.metrics.outstanding.set(this.parts.index.outstandingCount);
    void this.parts.outbox.flush();
    // What waits for a value does not hold up the others.
    if (starting.length > 0) void Promise.all(starting).then(() => this.parts.outbox.flush());
  }

  /** Sends the start of an attempt again that nobody has taken. */
  emitAgain(stream: RunStream, attempt: TrackedAttempt): void {
    attempt.emittedAt = this.parts.clock.monotonicMs();
    // Newer than the start that was given back, and than what was promised with the answers to our question.
    attempt.since = Math.max(attempt.since + 1, attempt.inquiry?.since ?? 0);
    attempt.inquiry = undefined;
    attempt.holder = undefined;
    attempt.isReturned = false;
    attempt.isSuspect = false;
    this.parts.metrics.emittedAgain.inc();
    this.start(stream, attempt);
  }

  /**
   * Brings the index in line with a run that was just folded; a new owner's patience begins now. What we have watched and the
   * log has ended is stopped.
   */
  folded(stream: RunStream): void {
    const known = new Map(
      this.parts.index
        .attemptsOf(stream.streamId)
        .map((attempt) => [`${attempt.execution}/${attempt.attempt}`, attempt]),
    );
    this.parts.index.forget(stream.streamId);
    if (!this.isOurs(stream.streamId)) return;
    if (stream.aggregate.isOpen) this.watchAll(stream, known);
    // Ended by the decision of another: whoever holds it has heard nothing of that.
    for (const attempt of known.values()) {
      if (!this.isTracked(attempt)) this.parts.outbox.cancel(attempt.site, { ...addressOf(attempt), force: true });
    }
  }

  private watchAll(stream: RunStream, known: ReadonlyMap<string, TrackedAttempt>): void {
    this.parts.index.sawVersion(stream.streamId, stream.version);
    for (const attempt of stream.aggregate.outstanding) {
      const before = known.get(`${attempt.execution}/${attempt.attempt}`);
      const tracked =
        before === undefined ? this.tracked(stream, attempt) : { ...before, cancelling: attempt.cancelling };
      this.parts.index.track(tracked);
    }
    this.parts.index.setReady(stream.streamId, stream.aggregate.readyLanes);
  }

  private isTracked({ streamId, execution, attempt }: TrackedAttempt): boolean {
    return this.parts.index.attempt(streamId, execution, attempt) !== undefined;
  }

  private follow(stream: RunStream, event: DomainEvent): void {
    switch (event.type) {
      case 'ExecutionScheduled':
        return this.scheduled(stream, event.data.execution);
      case 'ExecutionSucceeded':
      case 'ExecutionFailed':
      case 'ExecutionCancelled':
        return this.ended(stream, event.data.execution, event.data.attempt);
      case 'RunSucceeded':
      case 'RunFailed':
      case 'RunCancelled':
        return this.parts.index.forget(stream.streamId);
      default:
        return;
    }
  }

  private scheduled(stream: RunStream, execution: string): void {
    const attempt = stream.aggregate.outstandingAttempt(execution);
    if (attempt === undefined) return;
    const tracked = this.tracked(stream, attempt);
    if (this.isOurs(stream.streamId)) this.parts.index.track(tracked);
    this.start(stream, tracked);
  }

  private ended(stream: RunStream, execution: string, attempt: number | null): void {
    if (attempt === null) return;
    const tracked = this.parts.index.untrack(stream.streamId, execution, attempt);
    if (tracked?.holdsSlot === true) this.parts.recentEnds.ended(tracked.pool, 1, this.parts.clock.monotonicMs());
  }

  private tracked(stream: RunStream, attempt: OutstandingAttempt): TrackedAttempt {
    const { execution, attempt: number, site, pool, holdsSlot, scheduledAt, cancelling } = attempt;
    // Field by field: made for every attempt, and a spread costs ten times as much.
    return {
      execution,
      attempt: number,
      site,
      pool,
      holdsSlot,
      scheduledAt,
      cancelling,
      streamId: stream.streamId,
      project: stream.name.project,
      runId: stream.name.id,
      partition: stream.partition,
      emittedAt: this.parts.clock.monotonicMs(),
      sentTo: undefined,
      since: scheduledAt,
      holder: undefined,
      inquiry: undefined,
      isReturned: false,
      isSuspect: false,
    };
  }

  /** Time alone makes a cancel one by force, so that a decision without events may ask for it, too. */
  private watch({ stream, decidedAt }: StreamDecision): void {
    if (stream.kind !== 'run' || !stream.aggregate.isOpen || !this.isOurs(stream.streamId)) return;
    // New, or folded while its partition was still another's: nothing of it is watched yet.
    if (this.parts.index.knownVersion(stream.streamId) === 0) this.folded(stream);
    else this.parts.index.sawVersion(stream.streamId, stream.version);
    this.updateCancels(stream, Math.max(decidedAt, stream.lastEventAt));
  }

  private updateCancels(stream: RunStream, now: number): void {
    for (const request of stream.aggregate.cancelRequests(now)) {
      const tracked = this.parts.index.attempt(stream.streamId, request.execution, request.attempt);
      if (tracked === undefined) continue;
      const isNews = tracked.cancelling === null || (request.force && !tracked.cancelling.force);
      tracked.cancelling = { since: request.since, force: request.force };
      if (isNews) {
        this.parts.outbox.cancel(tracked.site, { ...addressOf(tracked), force: request.force });
      }
    }
  }

  /** Fast when all inputs are at hand, which they are after a hand-out; otherwise the flush waits for it. */
  private start(stream: RunStream, attempt: TrackedAttempt): void {
    const starting = this.prepareStart(stream, attempt);
    if (starting !== undefined) {
      this.starting.push(
        starting.catch((error: unknown) => {
          this.parts.log.error('A start could not be made', {
            stream: stream.streamId,
            execution: attempt.execution,
            error,
          });
        }),
      );
    }
  }

  private prepareStart(stream: RunStream, attempt: TrackedAttempt): Promise<void> | undefined {
    const values = this.parts.values.forDecision(stream.streamId);
    const answer = stream.aggregate.startRequest(attempt.execution, values);
    if (answer.type === 'none') return undefined;
    if (answer.type === 'request' && !mayBeLarge(answer.request.inputs, this.options.inlineValueBytes)) {
      this.emit(attempt, answer.request);
      return undefined;
    }
    return this.prepareSlowly(stream, attempt, values);
  }

  private async prepareSlowly(stream: RunStream, attempt: TrackedAttempt, values: LoadableValues): Promise<void> {
    for (let round = 0; round < maxStartRounds; round++) {
      const answer = stream.aggregate.startRequest(attempt.execution, values);
      if (answer.type === 'none') return;
      if (answer.type === 'request') {
        const inputs = await fitInputs(this.parts.files, answer.request.inputs, this.options.inlineValueBytes);
        this.emit(attempt, { ...answer.request, inputs });
        return;
      }
      await values.load(answer.needs);
    }
    throw new Error(
      `Expected the inputs of ${attempt.execution} to need no more values after ${maxStartRounds} rounds`,
    );
  }

  private emit(attempt: TrackedAttempt, request: StartRequest): void {
    // The state may be ahead of what is committed: another attempt than the one that was asked for starts by itself.
    if (request.attempt !== attempt.attempt) return;
    const { site, pool, project, partition, since } = attempt;
    const incarnation = this.parts.executors.place(site, pool, (each) => this.parts.index.outstandingAt(each));
    if (incarnation === undefined) {
      attempt.isReturned = true;
      return;
    }
    this.parts.index.sendTo(attempt, incarnation);
    const start = { ...request, project, valid_for_ms: this.options.startValidityMs, reply_partition: partition };
    this.parts.outbox.start(incarnation, {
      start,
      since,
      undelivered: () => this.undelivered(attempt, incarnation),
      tooLarge: () => this.tooLarge(attempt),
    });
  }

  /** As if it had been given back at once. The run may have been folded anew meanwhile. */
  private undelivered({ streamId, execution, attempt, since }: TrackedAttempt, incarnation: string): void {
    this.parts.executors.missed(incarnation);
    const tracked = this.parts.index.attempt(streamId, execution, attempt);
    if (tracked?.sentTo === incarnation && tracked.since === since) tracked.isReturned = true;
  }

  /** It would be as large each time: the attempt has failed. */
  private tooLarge({ streamId, execution, attempt }: TrackedAttempt): void {
    if (this.parts.index.attempt(streamId, execution, attempt) === undefined) return;
    const outcome = { status: 'failed', failure: startTooLarge } as const;
    const ended = { type: 'ended', execution, attempt, executor: null, outcome, durationMs: null } as const;
    this.parts.submit(internalItem(streamId, ended, this.parts.ids.newId()));
  }

  private rememberValue(streamId: string, version: number, event: DomainEvent, bytes: number): void {
    if (bytes <= limits.stateValueBytes) return;
    if (event.type === 'ExecutionSucceeded') this.parts.values.remember(streamId, version, event.data.outputs, bytes);
    if (event.type === 'RunStarted') this.parts.values.remember(streamId, version, event.data.inputs, bytes);
  }

  private answer(decision: StreamDecision, position: number | null): void {
    for (const { item, reply } of decision.items) {
      if (reply !== undefined) this.reply(item, replyAt(reply, decision.stream.version, position));
      this.settle(item);
      item.delivery?.ack();
    }
  }

  private settle({ report, delivery }: WorkItem): void {
    if (report?.report !== 'ended' || delivery === undefined) return;
    const { run_id, execution, attempt } = report;
    this.parts.outbox.settle(report.incarnation, { project: delivery.message.project, run_id, execution, attempt });
  }

  private reply({ delivery }: WorkItem, data: CommandReply): void {
    if (delivery?.replyTo === undefined) return;
    const message: Message<CommandReply> = {
      id: this.parts.ids.newId(),
      type: 'command.reply',
      source: 'runner',
      project: delivery.message.project,
      data,
    };
    delivery.reply(message);
  }
}
