import {
  limits,
  type CommandReply,
  type DomainEvent,
  type EventOf,
  type Message,
  type Rejection,
} from '@ryax/contracts';
import type { Clock, IdSource } from '@ryax/platform';
import { poolKey, type OutstandingAttempt } from '@ryax/workflow';
import { replyAt, type StreamDecision } from './decider';
import type { Durations } from './durations';
import type { GivenBack } from './executors';
import type { Outbox } from './outbox';
import type { Prewarming } from './prewarming';
import type { RunnerMetrics } from './runner-metrics';
import type { Starts } from './starts';
import type { SufficientMemory } from './sufficient-memory';
import type { RunStream } from './stream-store';
import type { Values } from './values';
import type { WakeSignal } from './wake-signal';
import type { RecentEnds } from './window';
import type { WorkItem } from './work-item';
import { addressOf, type TrackedAttempt, type WorkIndex } from './work-index';

export interface EffectsParts {
  readonly outbox: Outbox;
  readonly index: WorkIndex;
  readonly starts: Starts;
  readonly values: Values;
  readonly wakes: WakeSignal;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly metrics: RunnerMetrics;
  readonly recentEnds: RecentEnds;
  readonly durations: Pick<Durations, 'observed'>;
  readonly memory: Pick<SufficientMemory, 'observed'>;
  readonly prewarming: Pick<Prewarming, 'deployed'>;
}

/**
 * What follows from a commit, and never precedes it: starts and cancels to executors, answers to askers, `settled` to
 * whoever reported, the index of open work, the hint to readers of the log; and last the acknowledgement.
 */
export class Effects {
  constructor(
    private readonly parts: EffectsParts,
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
      else if (event.type === 'WorkflowDeployed') {
        this.parts.prewarming.deployed({ project: stream.name.project, ...event.data });
      }
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
    const { metrics, index, outbox, starts } = this.parts;
    metrics.outstanding.set(index.outstandingCount);
    void outbox.flush();
    // What waits for a value does not hold up the others.
    const preparing = starts.takePreparing();
    if (preparing.length > 0) void Promise.all(preparing).then(() => outbox.flush());
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
      // The same object: a start that is being prepared holds it, and says in it where it was sent.
      const tracked = known.get(`${attempt.execution}/${attempt.attempt}`) ?? this.tracked(stream, attempt);
      tracked.cancelling = attempt.cancelling;
      this.parts.index.track(tracked);
    }
    this.parts.index.ready.set(stream.streamId, stream.aggregate.readyWork);
  }

  private isTracked({ streamId, execution, attempt }: TrackedAttempt): boolean {
    return this.parts.index.attempt(streamId, execution, attempt) !== undefined;
  }

  private follow(stream: RunStream, event: DomainEvent): void {
    switch (event.type) {
      case 'ExecutionScheduled':
        return this.scheduled(stream, event.data.execution);
      case 'ExecutionSucceeded':
        this.observe(stream, event.data);
        return this.ended(stream, event.data.execution, event.data.attempt);
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
    this.parts.starts.emit(stream, tracked);
  }

  private observe({ aggregate }: RunStream, { execution, duration_ms }: EventOf<'ExecutionSucceeded'>['data']): void {
    const entry = aggregate.entryOf(execution);
    if (duration_ms !== null && entry !== undefined) {
      this.parts.durations.observed(aggregate.plan, entry, duration_ms);
    }
    const grown = aggregate.grownMemory(execution);
    if (grown !== undefined && entry?.action) this.parts.memory.observed(entry.action, grown);
  }

  private ended(stream: RunStream, execution: string, attempt: number | null): void {
    if (attempt === null) return;
    const tracked = this.parts.index.untrack(stream.streamId, execution, attempt);
    if (tracked?.demand.lane.holdsSlot !== true) return;
    const pool = poolKey(tracked.site, tracked.pool);
    this.parts.recentEnds.ended(pool, 1, this.parts.clock.monotonicMs());
  }

  private tracked(stream: RunStream, attempt: OutstandingAttempt): TrackedAttempt {
    const { execution, attempt: number, site, pool, demand, scheduledAt, cancelling } = attempt;
    // Field by field: made for every attempt, and a spread costs ten times as much.
    return {
      execution,
      attempt: number,
      site,
      pool,
      demand,
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
      givenBack: byNobody,
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

const byNobody: readonly GivenBack[] = [];
