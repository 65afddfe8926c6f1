import type { V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@ryax/contracts';
import { backoffMs, wait, type Clock, type Log } from '@ryax/platform';
import type { Keeper, LogSink } from '../../launcher';
import type { Begun, HandlerLaunch, HandlerTask, Seat } from '../action/handler-task';
import type { KnownPods } from '../cluster/known-pods';
import { limitsOf } from '../launch-limits';
import { owned, ownerOf } from '../ownership';
import type { Begin, PodAttempt, PodWork } from '../pod-attempt';
import type { PodIdentity } from '../pod-name';
import { podOutcome } from '../pod-outcome';
import type { PodRemoval } from '../pod-removal';
import { isUnreachable } from '../pod-step';
import type { NodePool, SiteConfig } from '../site-config';
import { PodServer, PodServerRefusal, type PodAddress, type ServedExecution, type ServerStatus } from './pod-server';
import { saidOf } from './served-attempt';
import type { WarmKind } from './warm-kind';
import { WarmUp } from './warm-up';

export interface WarmPodParts {
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly pods: KnownPods;
  readonly removal: PodRemoval;
  readonly clock: Clock;
  readonly log: Log;
  readonly keeper: Keeper;
  readonly leaving: AbortSignal;
  /** `RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS` */
  readonly idleMs: number;
  /** Sees to a pod until it has a result or an end. */
  readonly begin: (work: PodWork, sink: LogSink, begin: Begin) => PodAttempt;
  readonly taskOf: (
    launch: HandlerLaunch,
    sink: LogSink,
    begun: Begun | undefined,
    onResult: () => void,
    seat: Seat,
  ) => HandlerTask;
  /** Deletes it; one that has ended is kept for a while, for people to look at. */
  readonly discard: (pod: V1Pod) => void;
}

/** `left`: it is another executor's now, or we leave. */
export type WarmedUp =
  | { readonly type: 'serves'; readonly execution: ServedExecution | null }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'left' };

/** An attempt that goes on where another executor has begun it. */
export interface Resumed {
  readonly begun: Begun;
  readonly ranMs: number;
}

/** How a pod comes out of an attempt: `doubtful` where it may be that the handler cannot be loaded any more. */
export type Condition = 'sound' | 'doubtful' | 'sick' | 'left';

/** The server ends itself later than an executor would have removed its pod. */
const serverIdleExtraMs = 300_000;
const retry = { initialMs: 200, maxMs: 2_000 };
const mostTries = 4;

/** A pod that serves attempts of its kind, one after another. */
export class WarmPod {
  /** As it was last heard of; undefined before it was made. */
  private object: V1Pod | undefined;
  private address: PodAddress | undefined;
  private warming: PodAttempt | undefined;
  private unlisten: () => void = () => undefined;

  constructor(
    private readonly parts: WarmPodParts,
    readonly name: string,
    readonly kind: WarmKind,
  ) {}

  /**
   * Makes it, or takes it as another executor has left it, and waits until its server answers.
   * @param notes what holds it up
   * @param isWaitedFor otherwise it is not made where others would have to end first
   */
  async warmUp(made: V1Pod | undefined, notes: LogSink, isWaitedFor: () => boolean): Promise<WarmedUp> {
    const { site, pool, clock, keeper, leaving, idleMs, pods } = this.parts;
    const { incarnation } = keeper;
    const parts = { site, pool, clock, incarnation, leaving, serverIdleMs: idleMs + serverIdleExtraMs };
    const tasks: WarmUp[] = [];
    const task = (onResult: () => void) => {
      const warmUp = new WarmUp(parts, this.name, this.kind, onResult);
      tasks.push(warmUp);
      return warmUp;
    };
    const begin: Begin = made === undefined ? { create: (pod) => owned(pod, incarnation) } : { adopt: made };
    this.object = made;
    const limits = { timeLimitMs: null, patience: site.patienceMs };
    this.warming = this.parts.begin({ name: this.name, limits, task, isWaitedFor }, notes, begin);
    const end = await this.warming.ended;
    this.object = pods.find(this.name) ?? this.object;
    if (end === 'left') return { type: 'left' };
    const warmedUp = tasks[0]?.warmedUp;
    if (end.outcome.status === 'succeeded' && warmedUp !== undefined) {
      this.address = warmedUp.address;
      return { type: 'serves', execution: warmedUp.state.execution };
    }
    const failure = end.outcome.status === 'failed' ? end.outcome.failure : notWanted;
    return { type: 'failed', failure };
  }

  /** @param onTaken the server has the attempt */
  run(launch: HandlerLaunch, sink: LogSink, resumed: Resumed | undefined, onTaken: () => void): Running {
    const { clock, keeper, site, pool, taskOf, pods } = this.parts;
    this.unlisten();
    this.object = pods.find(this.name) ?? this.object;
    if (this.object === undefined || this.address === undefined) throw new Error('Expected a pod that serves');
    const seat = {
      token: this.address.token,
      origin: saidOf(launch, clock.wallMs()),
      owner: keeper.incarnation,
      mayBegin: () => keeper.mayBegin(),
      onTaken,
    };
    const tasks: HandlerTask[] = [];
    const task = (onResult: () => void) => {
      const handler = taskOf(launch, sink, resumed?.begun, onResult, seat);
      tasks.push(handler);
      return handler;
    };
    const begin = { use: this.object, ranMs: resumed?.ranMs ?? 0 };
    const running = this.parts.begin({ name: this.name, limits: limitsOf(launch, site, pool), task }, sink, begin);
    const condition = running.ended.then((end): Condition => {
      if (end === 'left') return 'left';
      const isLost = end.outcome.status === 'failed' && end.outcome.failure.kind === 'lost';
      if (tasks[0]?.isDone !== true || isLost || !this.isWell) return 'sick';
      return end.outcome.status === 'failed' ? 'doubtful' : 'sound';
    });
    return { running, condition };
  }

  /** Watches it while it has no attempt. @param onSick once: it cannot serve any more */
  rest(onSick: (what: 'sick' | 'left') => void): void {
    this.unlisten();
    const look = () => {
      if (this.isWell) return;
      this.unlisten();
      onSick(this.object !== undefined && !this.isOurs ? 'left' : 'sick');
    };
    this.unlisten = this.parts.pods.listen(this.name, (news) => {
      this.object = news.type === 'changed' ? news.pod : news.last;
      look();
    });
    look();
  }

  /** How the handler is, after an attempt that may have harmed it; undefined where the server does not answer. */
  async status(): Promise<ServerStatus | 'refused' | undefined> {
    const { leaving } = this.parts;
    return this.asked(async (server) => (await server.state(leaving)).status);
  }

  /**
   * Tells its server that the outcome is in the log. Whether it was reached, be it that it has gone on by now. Said once even if we
   * leave: a successor is spared what nobody needs.
   */
  async settle({ runId: run_id, execution, attempt }: PodIdentity): Promise<boolean> {
    const answer = await this.asked((server) => server.settle({ run_id, execution, attempt }));
    return answer !== undefined;
  }

  private async asked(
    ask: (server: PodServer) => Promise<ServerStatus>,
  ): Promise<ServerStatus | 'refused' | undefined> {
    const { leaving } = this.parts;
    if (this.address === undefined) return undefined;
    const server = new PodServer(this.address);
    for (let tries = 1; ; tries++) {
      try {
        return await ask(server);
      } catch (error) {
        if (error instanceof PodServerRefusal && error.status < 500) return 'refused';
        if (leaving.aborted || tries >= mostTries) return undefined;
      }
      await wait(backoffMs(tries, retry), leaving).catch(() => undefined);
    }
  }

  /** It is not needed: wherever it is in its life, it goes. */
  remove(): void {
    this.unlisten();
    this.warming?.cancel(false);
    this.discard();
  }

  /** Deletes it, unless it is not ours any more. */
  discard(): void {
    this.unlisten();
    const pod = this.parts.pods.find(this.name);
    if (pod !== undefined && ownerOf(pod) === this.parts.keeper.incarnation) this.parts.discard(pod);
  }

  private get isOurs(): boolean {
    return this.object !== undefined && ownerOf(this.object) === this.parts.keeper.incarnation;
  }

  private get isWell(): boolean {
    const pod = this.parts.pods.find(this.name);
    if (pod === undefined || !this.isOurs) return false;
    return pod.metadata?.deletionTimestamp === undefined && podOutcome(pod).status === 'running' && !isUnreachable(pod);
  }
}

export interface Running {
  readonly running: PodAttempt;
  /** Of the pod, as soon as the attempt has ended. */
  readonly condition: Promise<Condition>;
}

const notWanted: Failure = { kind: 'lost', message: 'Its pod was removed before it served' };
