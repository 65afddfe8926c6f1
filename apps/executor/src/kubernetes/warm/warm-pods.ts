import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@ryax/contracts';
import { wait, type Metrics, type Owner } from '@ryax/platform';
import type { LogSink, RunningAttempt } from '../../launcher';
import { AttemptFailure } from '../../process/attempt-failure';
import type { HandlerLaunch } from '../action/handler-task';
import type { PodApi } from '../cluster/pod-api';
import { checkFit } from '../launch-limits';
import { secretsIn } from '../launch-origin';
import { podName, type PodIdentity } from '../pod-name';
import { amountsOfPod } from '../pod-resources';
import { statusOfMain } from '../pod-status';
import { isOverdue } from '../pod-step';
import { isUnschedulable } from '../pod-wait';
import { capacityOf } from '../site-config';
import type { Amounts } from './amounts';
import type { ServedExecution } from './pod-server';
import { PrewarmLine } from './prewarm-line';
import { servedAttempt } from './served-attempt';
import { Survey } from './survey';
import { WaitingAttempts } from './waiting-attempts';
import { WarmAttempt } from './warm-attempt';
import { WarmBook, type Order, type PodKind } from './warm-book';
import { keyOf, kindOf, kindOfPod, type WarmKind } from './warm-kind';
import { WarmMetrics, type Start } from './warm-metrics';
import { WarmPod, type WarmPodParts } from './warm-pod';
import { WarmRuns } from './warm-runs';

export interface WarmPodsParts extends WarmPodParts {
  readonly api: PodApi;
  readonly metrics: Metrics;
  readonly owner: Owner;
}

interface Shape extends PodKind {
  readonly warm: WarmKind;
}

const namePrefix = 'ryax-warm-';
/** A broker that is there has confirmed in less; while it is away nobody waits so long for a pod. */
const reportingMs = 2_000;
/** As long as an executor keeps an outcome that nobody settles. */
const unreportedMs = 24 * 60 * 60 * 1000;
const tickMs = 500;

/**
 * Handlers in pods that serve one attempt after another. {@link WarmBook} decides who gets which pod; here its orders are carried out, and it
 * is told what has become of them. An attempt on a warm pod costs no request to the API server: what a successor must know of it is
 * in the pod's server, and asked there.
 */
export class WarmPods {
  private readonly book: WarmBook<Shape>;
  private readonly survey: Survey;
  private readonly metrics: WarmMetrics;
  private readonly known = new Map<string, WarmPod>();
  private readonly waiting = new WaitingAttempts();
  private readonly runs: WarmRuns;
  private readonly wanted = new PrewarmLine();

  constructor(private readonly parts: WarmPodsParts) {
    const { api, idleMs, keeper, leaving, metrics, pool, owner } = parts;
    const newName = () => `${namePrefix}${randomBytes(16).toString('hex')}`;
    this.book = new WarmBook(capacityOf(pool), { idleMs, reportingMs, unreportedMs }, newName);
    this.survey = new Survey(api, keeper.incarnation, leaving);
    this.metrics = new WarmMetrics(metrics, (state) => this.book.count(state));
    this.runs = new WarmRuns(owner, {
      reports: (pod) => this.becomesReporting(pod),
      isFree: (pod) => this.becomesIdle(pod),
      isLost: (pod) => this.lose(pod),
      isSick: (pod) => this.replace(pod),
      isLeft: (pod) => this.leaveAlone(pod),
      isOurs: (pod) => this.known.get(pod.name) === pod && !leaving.aborted,
      isBusy: (pod) => this.book.stateOf(pod.name) === 'busy',
    });
    // Pods stay, for a successor; who waits for one has none that it could find.
    leaving.addEventListener('abort', () => this.waiting.leave(), { once: true });
    owner.run('look after warm pods', (signal) => this.tick(signal), { vital: true });
  }

  launch(launch: HandlerLaunch, sink: LogSink): RunningAttempt {
    const { clock, site, pool } = this.parts;
    const id = podName(launch);
    const attempt = new WarmAttempt(launch, sink, clock, () => {
      this.waiting.take(id);
      this.obey(this.book.withdraw(id, this.now));
    });
    try {
      checkFit(launch, site, pool);
    } catch (error) {
      if (!(error instanceof AttemptFailure)) throw error;
      attempt.fail(error.failure);
      return attempt;
    }
    const shape = this.shapeOf(kindOf(launch, launch.action.content_hash));
    this.waiting.add(id, attempt, shape.key);
    this.obey(this.book.request(id, shape, this.now), 'warm');
    return attempt;
  }

  /** Handlers that may be wanted soon. Advice: what there is no room for, and what cannot be made, is left. */
  prewarm(kinds: readonly WarmKind[]): void {
    this.wanted.add(kinds);
  }

  /**
   * A pod that another executor has made, and that is labelled as ours. Resolves when it is known what it runs, or when it is no more: until
   * then any attempt of its project may be in it.
   */
  async adopt(object: V1Pod, signal: AbortSignal): Promise<void> {
    const name = object.metadata?.name ?? '';
    const kind = kindOfPod(object);
    if (kind === undefined) throw new Error(`Expected the pod ${name} to say what it is for`);
    const shape = this.shapeOf(kind);
    const pod = new WarmPod(this.parts, name, kind);
    this.known.set(name, pod);
    this.obey(this.book.add(name, shape, this.now));
    if (!(await this.warmUp(pod, shape, object))) await this.untilEnded(object, signal);
  }

  /** Whether a pod of another executor may have it. */
  mayHold(attempt: PodIdentity): Promise<boolean> {
    return this.survey.mayHold(attempt);
  }

  /** Its outcome is with the broker. */
  reported(attempt: PodIdentity): void {
    this.runs.reported(attempt);
  }

  /** Its outcome is in the log. */
  forget(attempt: PodIdentity): void {
    this.runs.settled(attempt);
  }

  /** Something that has a pod of its own takes room. */
  occupy(name: string, amounts: Amounts): void {
    this.obey(this.book.occupy(name, amounts, this.now));
  }

  release(name: string): void {
    this.obey(this.book.release(name, this.now));
  }

  resize(capacity: Amounts): void {
    this.obey(this.book.resize(capacity, this.now));
  }

  /** Pods without an attempt, which a successor may have at once when we leave. */
  get idle(): readonly V1Pod[] {
    return [...this.known.keys()].map((name) => this.parts.pods.find(name)).filter((pod) => pod !== undefined);
  }

  private get now(): number {
    return this.parts.clock.monotonicMs();
  }

  private shapeOf(warm: WarmKind): Shape {
    return { key: keyOf(warm), amounts: amountsOfPod(warm.resources, this.parts.site.defaults), warm };
  }

  private async tick(signal: AbortSignal): Promise<void> {
    for (;;) {
      await wait(tickMs, signal);
      this.obey(this.book.tick(this.now));
      if (this.book.hasPrewarmed && this.isCrowded) this.obey(this.book.giveWay(this.now));
      for (const kind of this.wanted.take()) this.makeAhead(kind);
    }
  }

  /** Whether a pod waits for a node, of whichever executor of the pool. */
  private get isCrowded(): boolean {
    for (const pod of this.parts.pods.all()) if (isUnschedulable(pod)) return true;
    return false;
  }

  /** Judged here, and not when it was asked for: attempts may have come since. */
  private makeAhead(kind: WarmKind): void {
    const { site, pool, keeper } = this.parts;
    if (!keeper.mayMakeAhead() || this.isCrowded) return this.metrics.prewarmed('no-room');
    try {
      checkFit({ resources: kind.resources, timeoutMs: null }, site, pool);
    } catch (error) {
      if (!(error instanceof AttemptFailure)) throw error;
      return this.notPrewarmed(kind, error.failure);
    }
    const shape = this.shapeOf(kind);
    this.obey(this.book.prewarm(shape, this.now));
    if (!this.book.has(shape)) this.metrics.prewarmed('no-room');
  }

  /** Nobody waits for it, so that there is no log of an attempt to say it in. */
  private notPrewarmed({ project, content_hash }: WarmKind, { kind, message }: Failure): void {
    this.metrics.prewarmed('failed');
    const about = { project, content: content_hash, kind, reason: message };
    this.parts.log.warn('A handler of a deployed workflow could not be made warm', about);
  }

  /** @param start of what runs at once @param failure of what fails */
  private obey(orders: readonly Order<Shape>[], start: Start = 'cold', failure: Failure = vanished): void {
    if (this.parts.leaving.aborted) return this.waiting.leave();
    for (const order of orders) {
      switch (order.type) {
        case 'run':
          this.run(order.attempt, order.pod, start);
          break;
        case 'create':
        case 'prewarm':
          this.create(order.pod, order.kind);
          break;
        case 'remove':
          this.remove(order.pod);
          break;
        case 'fail':
          this.waiting.fail(order.attempt, failure);
          break;
        default:
          order satisfies never;
      }
    }
  }

  private run(id: string, name: string, start: Start): void {
    const pod = this.known.get(name);
    const attempt = this.waiting.take(id);
    if (pod === undefined || attempt === undefined) throw new Error(`Expected ${id} to wait, and the pod ${name}`);
    const { launch, sink, sinceMs } = attempt;
    const onTaken = () => this.metrics.invoked(start, this.now - sinceMs);
    const running = pod.run(launch, sink, undefined, onTaken);
    this.runs.follow(pod, launch, running);
    attempt.runs(running.running);
  }

  private create(name: string, shape: Shape): void {
    const pod = new WarmPod(this.parts, name, shape.warm);
    this.known.set(name, pod);
    this.parts.owner.run(`warm up pod ${name}`, async () => {
      await this.warmUp(pod, shape, undefined);
    });
  }

  private remove(name: string): void {
    const pod = this.known.get(name);
    pod?.remove();
    this.known.delete(name);
    if (pod !== undefined) this.runs.forget(pod);
  }

  /** Whether it serves, or is not ours any more. */
  private async warmUp(pod: WarmPod, shape: Shape, made: V1Pod | undefined): Promise<boolean> {
    const isWaitedFor = () => !this.book.isPrewarmed(pod.name) || this.book.isWaitedFor(pod.name);
    const warmedUp = await pod.warmUp(made, this.waiting.logsOf(shape.key), isWaitedFor);
    // It was removed meanwhile.
    if (this.known.get(pod.name) !== pod) return false;
    const isPrewarmed = this.book.isPrewarmed(pod.name);
    switch (warmedUp.type) {
      case 'serves':
        if (isPrewarmed) this.metrics.prewarmed('ready');
        if (warmedUp.execution === null) this.becomesIdle(pod);
        else this.resume(pod, warmedUp.execution);
        return true;
      case 'failed':
        if (isPrewarmed) this.notPrewarmed(pod.kind, warmedUp.failure);
        this.lose(pod, warmedUp.failure);
        pod.discard();
        return false;
      case 'left':
        this.leaveAlone(pod);
        return true;
      default:
        return warmedUp satisfies never;
    }
  }

  /** Goes on with what another executor has begun. */
  private resume(pod: WarmPod, execution: ServedExecution): void {
    const { clock, keeper, log } = this.parts;
    const served = servedAttempt(pod.kind, execution, clock.wallMs());
    if (served === undefined) {
      // Nobody could say to whom its outcome is to be told.
      log.warn('A warm pod was deleted that does not say whose attempt it runs', { pod: pod.name });
      return this.replace(pod);
    }
    const { launch, origin, ranMs } = served;
    this.book.becomes(pod.name, 'busy', this.now);
    const { project } = launch;
    const { reply_partition, since, traceparent, resources } = origin;
    let isTaken = false;
    keeper.adopt({
      of: { project, ...execution.attempt, reply_partition, traceparent },
      since,
      resources,
      begin: (sink) => {
        isTaken = true;
        const resumed = { begun: { secrets: secretsIn(origin) }, ranMs };
        const running = pod.run(launch, sink, resumed, () => undefined);
        this.runs.follow(pod, launch, running);
        return running.running;
      },
    });
    // We have it already, elsewhere.
    if (!isTaken) this.replace(pod);
  }

  private becomesReporting(pod: WarmPod): void {
    this.watch(pod);
    if (this.known.has(pod.name)) this.obey(this.book.becomes(pod.name, 'reporting', this.now));
  }

  private becomesIdle(pod: WarmPod): void {
    this.watch(pod);
    if (this.known.has(pod.name)) this.obey(this.book.becomes(pod.name, 'idle', this.now));
  }

  private watch(pod: WarmPod): void {
    pod.rest((what) => (what === 'left' ? this.leaveAlone(pod) : this.replace(pod)));
  }

  /** It cannot serve any more; another one is made when it is needed. */
  private replace(pod: WarmPod): void {
    this.lose(pod);
    pod.discard();
  }

  private lose(pod: WarmPod, failure?: Failure): void {
    this.known.delete(pod.name);
    this.obey(this.book.gone(pod.name, this.now), 'cold', failure);
  }

  private leaveAlone(pod: WarmPod): void {
    this.known.delete(pod.name);
    this.obey(this.book.left(pod.name, this.now));
  }

  /** Until its container has ended, it may go on with what it was doing. What its node does not tell of is removed by force. */
  private async untilEnded({ metadata }: V1Pod, signal: AbortSignal): Promise<void> {
    const { pods, removal, clock } = this.parts;
    const { name = '', uid = '' } = metadata ?? {};
    for (;;) {
      const pod = pods.find(name);
      const hasEnded = pod === undefined || pod.metadata?.uid !== uid || statusOfMain(pod)?.state?.terminated;
      if (hasEnded) return;
      if (isOverdue(pod, clock.wallMs())) removal.remove({ name, uid }, 0);
      await wait(tickMs, signal);
    }
  }
}

const vanished: Failure = { kind: 'lost', message: 'Its pod was gone before it served' };
