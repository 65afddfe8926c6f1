import type { V1Pod } from '@kubernetes/client-node';
import type { Outcome } from '@ryax/contracts';
import { LinkedSignal, longestTimerMs, unlessAborted, type Clock } from '@ryax/platform';
import type { AttemptEnd, LogSink, RunningAttempt } from '../launcher';
import { note } from '../process/attempt';
import { outcomeOfStop, type Stop } from '../process/attempt-control';
import { outcomeOf } from '../process/attempt-failure';
import type { KnownPods, PodNews } from './cluster/known-pods';
import type { PodApi } from './cluster/pod-api';
import { ownerOf } from './ownership';
import { pendingFailure } from './pending-cause';
import { createPod, type Created } from './pod-creation';
import type { PodTask } from './pod-task';
import type { PodRemoval } from './pod-removal';
import { hasBegun, statusOfMain, timeMs } from './pod-status';
import { nextStep, ranForMs } from './pod-step';
import type { FinalOutcome, PodLimits, PodStep, Watched } from './pod-step';
import { waitOf } from './pod-wait';
import { Waker } from './waker';
import { firstSeen, podIn, seenAgain } from './watched-pod';

export interface PodAttemptParts {
  readonly api: PodApi;
  readonly pods: KnownPods;
  readonly removal: PodRemoval;
  readonly clock: Clock;
  readonly incarnation: string;
  readonly mayCreate: () => boolean;
  /** Aborted when this executor leaves: its pods go on without it. */
  readonly leaving: AbortSignal;
}

/** Whose pod it is, and by what it is judged. */
export interface PodWork {
  readonly name: string;
  readonly limits: PodLimits;
  /** Whether its creation is tried again where others have to end before there is room; without it always. */
  readonly isWaitedFor?: () => boolean;
  /** Made with what wakes us when its result is there, or it knows of another time. */
  readonly task: (onChange: () => void) => PodTask;
}

/**
 * A pod to be created, with what is to stand on it; one that is there, and was made for this attempt; or one that has served others:
 * then it says for how long this one has been running there.
 */
export type Begin =
  | { readonly create: (pod: V1Pod) => V1Pod }
  | { readonly adopt: V1Pod }
  | { readonly use: V1Pod; readonly ranMs: number };

/** Of ours in an attempt's log: a quota says something else each time. */
const mostNotes = 20;

/** One attempt as a pod: from its creation, or its adoption, to its outcome. The pod itself stays until its outcome is in the log. */
export class PodAttempt implements RunningAttempt {
  readonly ended: Promise<AttemptEnd | 'left'>;
  private readonly task: PodTask;
  private readonly stopped = new AbortController();
  private readonly lines = new Set<string>();
  private reason: Stop | undefined;
  private isForced = false;
  private asked: 'nothing' | 'termination' | 'kill' = 'nothing';
  private watched: Watched | undefined;
  private unheard: PodNews | undefined;
  private beganAtMs: number;
  /** Woken when something is heard, or it is to be stopped. */
  private readonly waker: Waker;

  constructor(
    private readonly parts: PodAttemptParts,
    private readonly work: PodWork,
    private readonly sink: LogSink,
    begin: Begin,
  ) {
    this.waker = new Waker(parts.clock, parts.leaving);
    this.task = work.task(this.waker.wake);
    this.beganAtMs = parts.clock.monotonicMs();
    this.ended = this.run(begin);
  }

  /** Undefined before it has one, and where it has ended without. */
  get podUid(): string | undefined {
    return this.watched?.pod.metadata?.uid;
  }

  cancel(force: boolean): void {
    this.stop({ type: 'cancelled' }, force);
  }

  private stop(reason: Stop, force: boolean): void {
    this.reason ??= reason;
    this.isForced ||= force;
    this.stopped.abort();
    this.waker.wake();
  }

  private async run(begin: Begin): Promise<AttemptEnd | 'left'> {
    const { pods, leaving } = this.parts;
    // From before it is created: it may be gone again before we know that it is there.
    const unlisten = pods.listen(this.work.name, (news) => this.heard(news));
    try {
      const created = await this.begin(begin);
      if (created.type !== 'pod') return this.end(outcomeWithoutPod(created));
      this.task.created(created.pod);
      const ranMs = 'use' in begin ? begin.ranMs : ranForMs(created.pod, this.parts.clock.wallMs());
      return await this.seeTo(created.pod, ranMs);
    } catch (error) {
      return leaving.aborted ? 'left' : this.end(outcomeOf(error));
    } finally {
      unlisten();
      await this.task.leave();
    }
  }

  private async begin(begin: Begin): Promise<Created> {
    const { clock } = this.parts;
    if ('create' in begin) {
      const pod = await this.plannedPod();
      return pod === undefined ? { type: 'stopped' } : this.create(begin.create(pod));
    }
    this.beganAtMs -= 'use' in begin ? begin.ranMs : ageMs(begin.adopt, clock.wallMs());
    return { type: 'pod', pod: 'use' in begin ? begin.use : begin.adopt };
  }

  /** What it takes from the filestore may be long in coming. Undefined when it was stopped before. */
  private async plannedPod(): Promise<V1Pod | undefined> {
    const either = new LinkedSignal(this.stopped.signal, this.parts.leaving);
    try {
      return await unlessAborted(this.task.pod(), either.signal);
    } catch (error) {
      if (this.stopped.signal.aborted) return undefined;
      throw error;
    } finally {
      either.unlink();
    }
  }

  private create(pod: V1Pod): Promise<Created> {
    const { api, pods, incarnation, mayCreate, leaving } = this.parts;
    const { isWaitedFor = () => true } = this.work;
    const hear = { isWaitedFor, seen: () => this.unheard, say: (line: string) => this.say(line) };
    return createPod(pod, { api, incarnation, mayCreate, room: pods.room, ...hear }, this.stopped.signal, leaving);
  }

  private async seeTo(created: V1Pod, ranMs: number): Promise<AttemptEnd | 'left'> {
    const { clock, pods, leaving, incarnation } = this.parts;
    this.watched = this.firstLook(created, ranMs);
    const news = this.unheard;
    if (news !== undefined) this.heard(news);
    pods.learn(created);
    // The watch may have been faster than the answer: by its end, of which nothing more will be heard, or by all of its life.
    const known = pods.find(this.work.name);
    if (known !== undefined && known.metadata?.uid === created.metadata?.uid) {
      this.heard({ type: 'changed', pod: known });
    } else if (!this.watched.isGone) {
      this.heard({ type: 'gone', last: this.watched.pod });
    }
    for (;;) {
      leaving.throwIfAborted();
      if (!this.watched.isGone && ownerOf(this.watched.pod) !== incarnation) return 'left';
      this.removeIfStopped(this.watched.pod);
      const { result } = this.task;
      if (this.reason === undefined && result !== undefined) {
        // It is removed then: as far as we know its container has not begun.
        if (!hasBegun(this.watched.pod) && (await this.wasBehind(this.watched))) continue;
        return this.endBy(result, this.watched.pod);
      }
      const step = this.stepOf(this.watched);
      if (this.isByTheClock(step) && (await this.wasBehind(this.watched))) continue;
      switch (step.type) {
        case 'end':
          return this.finish(step.outcome);
        case 'time-limit':
          this.stop({ type: 'timeout', limitMs: step.limitMs }, false);
          this.removeIfStopped(this.watched.pod);
          await this.waker.until(clock.monotonicMs() + longestTimerMs);
          break;
        case 'never-started': {
          const end = await this.neverStarted(this.watched.pod);
          if (end !== undefined) return end;
          break;
        }
        case 'give-up':
          this.remove(this.watched.pod, 0);
          return this.finish({ status: 'failed', failure: step.failure });
        case 'wait':
          this.followIfRunning(this.watched.pod);
          await this.waker.until(step.untilMs);
          break;
        default:
          step satisfies never;
      }
    }
  }

  private stepOf(watched: Watched): PodStep {
    const { clock } = this.parts;
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    return nextStep(watched, this.work.limits, now, this.task);
  }

  /** Whether only the time that has passed says so. */
  private isByTheClock({ type }: PodStep): boolean {
    return type === 'never-started' || type === 'give-up' || (type === 'time-limit' && this.reason === undefined);
  }

  /** While the server was away its pods went on, and may have started or ended in time. */
  private async wasBehind(watched: Watched): Promise<boolean> {
    const { pods, leaving } = this.parts;
    await pods.confirm(watched.pod, leaving);
    return this.watched !== watched;
  }

  private firstLook(pod: V1Pod, ranMs: number): Watched {
    // What has ended in time, and nobody has heard of yet, has not reached its limit.
    const mostMs = (this.work.limits.timeLimitMs ?? Infinity) - this.task.hearingMs;
    return firstSeen(pod, this.parts.clock.monotonicMs(), Math.min(ranMs, Math.max(0, mostMs)));
  }

  private heard(news: PodNews): void {
    if (this.watched === undefined) {
      this.unheard = news;
      return;
    }
    if (podIn(news).metadata?.uid !== this.watched.pod.metadata?.uid) return;
    this.watched = seenAgain(this.watched, news, this.parts.clock.monotonicMs());
    this.waker.wake();
  }

  private followIfRunning(pod: V1Pod): void {
    const state = statusOfMain(pod)?.state;
    if (state?.running !== undefined) this.task.runs(pod);
    else if (state?.waiting !== undefined) {
      this.task.waits?.(pod);
      this.sayWait(pod);
    }
  }

  /** For whoever reads along, and wonders why nothing happens. */
  private sayWait(pod: V1Pod): void {
    const { for: what, reason, message } = waitOf(pod);
    if (what === 'image' || what === 'config') this.say(`Its pod waits: ${message || reason}`);
  }

  private say(line: string): void {
    if (this.lines.has(line) || this.lines.size >= mostNotes) return;
    this.lines.add(line);
    note(this.sink, line);
  }

  /** Asked once, and once more by force. */
  private removeIfStopped(pod: V1Pod): void {
    if (this.reason === undefined || this.watched?.isGone === true) return;
    if (this.isForced && this.asked !== 'kill') {
      this.asked = 'kill';
      this.remove(pod, 0);
    } else if (this.asked === 'nothing') {
      this.asked = 'termination';
      this.remove(pod);
    }
  }

  private remove({ metadata }: V1Pod, graceSeconds?: number): void {
    this.parts.removal.remove({ name: metadata?.name ?? '', uid: metadata?.uid ?? '' }, graceSeconds);
  }

  /** Undefined where something else has become of it while its events were asked for. */
  private async neverStarted({ metadata }: V1Pod): Promise<AttemptEnd | undefined> {
    const { api, leaving, incarnation } = this.parts;
    const events = await api.events(metadata?.uid ?? '', leaving);
    const watched = this.watched;
    if (watched === undefined || ownerOf(watched.pod) !== incarnation) return undefined;
    const step = this.stepOf(watched);
    if (step.type !== 'never-started') return undefined;
    this.remove(watched.pod);
    return this.end({ status: 'failed', failure: pendingFailure(watched.pod, events, step.waitedMs) });
  }

  /** All that it has written is in the log before its outcome counts. */
  private async finish(final: FinalOutcome): Promise<AttemptEnd> {
    const durationMs = this.durationMs;
    const state = this.watched && statusOfMain(this.watched.pod)?.state;
    const hasRun = this.watched?.runningSinceMs !== undefined || state?.terminated !== undefined;
    const isGone = () => this.watched?.isGone === true;
    const outcome = await this.task.outcomeAt({ final, hasRun, isGone, stopped: this.stopped.signal }).catch(outcomeOf);
    // The pod is still there: a successor reads it all.
    if (!isGone()) this.parts.leaving.throwIfAborted();
    return this.end(outcome, durationMs);
  }

  /** What has failed before its container began must not begin for a successor, beside the attempt that follows. */
  private endBy(result: Outcome, pod: V1Pod): AttemptEnd {
    if (!hasBegun(pod)) this.remove(pod, 0);
    return this.end(result);
  }

  /** Why it was stopped counts, whatever it has come to meanwhile. */
  private end(outcome: Outcome, durationMs = this.durationMs): AttemptEnd {
    return { outcome: this.reason === undefined ? outcome : outcomeOfStop(this.reason), durationMs };
  }

  private get durationMs(): number {
    return this.parts.clock.monotonicMs() - this.beganAtMs;
  }
}

function outcomeWithoutPod(created: Exclude<Created, { type: 'pod' }>): Outcome {
  return created.type === 'failed' ? { status: 'failed', failure: created.failure } : { status: 'cancelled' };
}

function ageMs({ metadata }: V1Pod, wallMs: number): number {
  return Math.max(0, wallMs - (timeMs(metadata?.creationTimestamp) ?? wallMs));
}
