import { setMaxListeners } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { FileStore, Secrets } from '@ryax/filestore';
import { Owner, wait, type Clock, type Health, type Log } from '@ryax/platform';
import type { Addressed } from '../attempt-name';
import type { Adoption, KeptWork, Keeper, Launch, Launcher, LogSink, RunningAttempt } from '../launcher';
import { ActionCache } from '../process/action-cache';
import { AttemptFailure } from '../process/attempt-failure';
import { ValueCache } from '../process/value-cache';
import { Remembered } from '../remembered';
import { HandlerTask, type Begun, type HandlerLaunch } from './action/handler-task';
import { choosePool } from './choose-pool';
import { KnownPods, type KnownPodsOptions } from './cluster/known-pods';
import type { PodApi } from './cluster/pod-api';
import type { PodLogOptions } from './cluster/pod-log';
import { CommandTask } from './command-task';
import { identityOf } from './labels';
import { launchFrom, originIn, secretsIn } from './launch-origin';
import { adopterOf, leaversAmong, originOf, owned, ownerOf, type Origin } from './ownership';
import { PodAttempt, type Begin, type PodWork } from './pod-attempt';
import { takeOver } from './pod-creation';
import { podName, type PodIdentity } from './pod-name';
import { podOutcome } from './pod-outcome';
import { releasePods } from './pod-release';
import { PodRemoval } from './pod-removal';
import { amountsOfPod } from './pod-resources';
import type { ContainerLaunch } from './pod-spec';
import type { PodLimits } from './pod-step';
import type { PodTask } from './pod-task';
import { StrayPods } from './stray-pods';
import { capacityOf, type NodePool, type SiteConfig } from './site-config';

export interface KubernetesLauncherOptions {
  readonly site: SiteConfig;
  /** The nodes that our pods run on. */
  readonly pool: NodePool;
  readonly api: PodApi;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when pods are not followed any more. */
  readonly health: Health;
  /** `RYAX_LIMIT_INLINE_VALUE_BYTES`: outputs above it go through the filestore. */
  readonly inlineValueBytes: number;
  /** For files on their way to pods and back. Nothing in it outlives the process. */
  readonly directory: string;
  readonly watching?: KnownPodsOptions | undefined;
  readonly reading?: PodLogOptions | undefined;
  readonly closeConnection: () => void;
}

/** Text of large values kept parsed, and actions kept unpacked. */
const mostValueBytes = 64 * 1024 * 1024;
const mostActions = 64;
const actionsFolder = 'actions';
/** Before a pod is adopted that the cluster has not let us adopt: we hear of it each second. */
const refusedForMs = 15_000;
/** Longer than this no timer can count. */
const longestWaitMs = 2 ** 31 - 1;
/** Pods that were deleted since nobody can adopt them: longer than a grace, after which one that is still there is tried again. */
const mostNobodys = 1_000;
const nobodysForMs = 600_000;

/** Runs actions as pods, one for each attempt. They go on without us, and those of an executor that is gone become another's. */
export class KubernetesLauncher implements Launcher, KeptWork {
  private readonly pods: KnownPods;
  private readonly owner: Owner;
  private readonly removal: PodRemoval;
  private readonly values: ValueCache;
  private readonly actions: ActionCache;
  private readonly leaving = new AbortController();
  private readonly held = new Map<string, PodAttempt>();
  private readonly adopting = new Set<string>();
  private readonly strays = new StrayPods();
  private readonly nobodys = new Remembered(mostNobodys, nobodysForMs);
  private keeper: Keeper | undefined;

  constructor(private readonly options: KubernetesLauncherOptions) {
    // Each attempt waits for it.
    setMaxListeners(0, this.leaving.signal);
    const { api, clock, log, health, files, watching } = options;
    this.pods = new KnownPods(api, clock, log, watching);
    this.owner = new Owner(log, health);
    this.removal = new PodRemoval(api, this.owner, log);
    this.values = new ValueCache(files, mostValueBytes);
    this.actions = new ActionCache(files, join(options.directory, actionsFolder), mostActions);
  }

  get kept(): KeptWork {
    return this;
  }

  async open(keeper: Keeper): Promise<void> {
    this.keeper = keeper;
    await this.clearDirectory();
    await new Promise<void>((listed) => {
      this.owner.run('follow pods', (signal) => this.pods.follow(signal, listed), { vital: true });
    });
    this.options.log.info('Pods were found', { pods: this.pods.size });
  }

  launch(launch: Launch, sink: LogSink): RunningAttempt {
    const { incarnation } = this.requireKeeper();
    const create = (pod: V1Pod) => {
      this.checkFit(launch);
      return owned(pod, incarnation, originIn(launch));
    };
    return this.begin(launch, sink, { create }, (onResult) => this.taskOf(launch, sink, undefined, onResult));
  }

  alive(incarnations: readonly string[]): void {
    const { incarnation } = this.requireKeeper();
    const leavers = leaversAmong(this.pods.all());
    const heirs = incarnations.filter((each) => !leavers.has(each));
    for (const pod of this.pods.all()) {
      const owner = ownerOf(pod) ?? '';
      const uid = pod.metadata?.uid ?? '';
      if (owner === incarnation || incarnations.includes(owner) || this.adopting.has(uid)) continue;
      if (this.nobodys.has(uid, this.options.clock.monotonicMs())) continue;
      if (adopterOf(uid, heirs) === incarnation) this.adoptInTime(pod, uid);
    }
    this.removeStrays(incarnation);
  }

  async exists(attempt: AttemptKey): Promise<boolean> {
    // Pods of ours that we have let go of still look like ours, and nothing more is heard of any: others are asked after us.
    if (this.leaving.signal.aborted) return true;
    const found = await this.pods.look(podName(identityOfAttempt(attempt)), this.leaving.signal);
    // Not of an attempt: somebody else's, who has it under that name.
    if (found === undefined || identityOf(found) === undefined) return false;
    // It may be labelled as ours before we know that it is, and hold it.
    if (this.adopting.has(found.metadata?.uid ?? '')) return true;
    // A pod of ours that we do not hold has ended and is settled: it is kept for people to look at.
    return ownerOf(found) !== this.requireKeeper().incarnation;
  }

  forget(attempt: AttemptKey): void {
    const name = podName(identityOfAttempt(attempt));
    const { retentionMs } = this.options.site;
    const pod = this.pods.find(name);
    const uid = pod?.metadata?.uid;
    if (pod === undefined || uid === undefined) return;
    // What goes on, as the server of an action image does for ever, or may yet begin: its room is wanted.
    const hasEnded = ['succeeded', 'failed'].includes(podOutcome(pod).status);
    const keptMs = hasEnded ? retentionMs : 0;
    this.owner.run(`keep pod ${name}`, async (signal) => {
      if (keptMs > 0) await wait(Math.min(keptMs, longestWaitMs), signal);
      this.removal.remove({ name, uid });
    });
  }

  /** Lets go of all pods: they go on, and a successor answers for them. */
  async close(): Promise<void> {
    this.leaving.abort(new Error('the executor leaves'));
    const left = [...this.held].map(async ([name, { ended }]) =>
      (await ended) === 'left' ? this.pods.find(name) : undefined,
    );
    await releasePods(left, this.keeper?.incarnation ?? '', this.options.api);
    await this.owner.stop();
    this.options.closeConnection();
  }

  /** Of what a predecessor has left. The folder itself may be a volume. */
  private async clearDirectory(): Promise<void> {
    const { directory } = this.options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
    await mkdir(join(directory, actionsFolder));
  }

  private requireKeeper(): Keeper {
    if (this.keeper === undefined) throw new Error('Expected the launcher to be open');
    return this.keeper;
  }

  private begin(launch: Launch, sink: LogSink, begin: Begin, task: PodWork['task']): PodAttempt {
    const { api, clock } = this.options;
    const { pods, removal } = this;
    const keeper = this.requireKeeper();
    const name = podName(launch);
    const parts = {
      ...{ api, pods, removal, clock },
      incarnation: keeper.incarnation,
      mayCreate: () => keeper.mayBegin(),
      leaving: this.leaving.signal,
    };
    const attempt = new PodAttempt(parts, { name, limits: this.limitsOf(launch), task }, sink, begin);
    this.held.set(name, attempt);
    void attempt.ended.then(() => {
      if (attempt.podUid !== undefined) this.strays.account(attempt.podUid);
      if (this.held.get(name) === attempt) this.held.delete(name);
    });
    return attempt;
  }

  private taskOf(launch: Launch, sink: LogSink, begun: Begun | undefined, onResult: () => void): PodTask {
    const { api, site, pool, directory, clock, log, files, secrets, inlineValueBytes, reading } = this.options;
    const { values, actions } = this;
    const leaving = this.leaving.signal;
    const sources = { files, secrets, values, inlineValueBytes };
    if (isOfContainer(launch)) {
      return new CommandTask({ api, targets: sources, values, site, pool, leaving, reading }, launch, sink);
    }
    if (!isOfHandler(launch)) throw new Error(`Expected an action for a pod, found ${launch.action.type}`);
    const parts = { sources, actions, directory, site, pool, clock, log, leaving };
    return new HandlerTask(parts, launch, sink, begun, onResult);
  }

  private limitsOf({ timeoutMs, resources }: Launch): PodLimits {
    const { site, pool } = this.options;
    const limits = [timeoutMs, resources.time_ms, pool.timeLimitMs].filter((each) => typeof each === 'number');
    return { timeLimitMs: limits.length === 0 ? null : Math.min(...limits), patience: site.patienceMs };
  }

  /** Throws an AttemptFailure that says what it asks more than a node has. */
  private checkFit({ resources, timeoutMs }: Launch): void {
    const { site, pool } = this.options;
    const amounts = amountsOfPod(resources, site.defaults);
    const timeMs = resources.time_ms ?? timeoutMs;
    const offer = { site: site.name, pool, free: capacityOf(pool) };
    const choice = choosePool({ constraints: {}, amounts, timeMs, weights: {} }, [offer]);
    if (choice.status === 'rejected') throw new AttemptFailure(choice.failure);
  }

  private removeStrays(incarnation: string): void {
    const isUnheld = (pod: V1Pod) =>
      ownerOf(pod) === incarnation &&
      pod.metadata?.deletionTimestamp === undefined &&
      !this.held.has(pod.metadata?.name ?? '') &&
      !this.adopting.has(pod.metadata?.uid ?? '');
    for (const { metadata } of this.strays.among(this.pods.all(), isUnheld, this.options.clock.monotonicMs())) {
      const { name = '', uid = '' } = metadata ?? {};
      this.options.log.warn('A pod was deleted that was created when its attempt had ended', { pod: name });
      this.strays.account(uid);
      this.removal.remove({ name, uid });
    }
  }

  private adoptInTime(pod: V1Pod, uid: string): void {
    this.adopting.add(uid);
    this.owner.run(`adopt pod ${pod.metadata?.name}`, (signal) =>
      this.adopt(pod, signal).finally(() => this.adopting.delete(uid)),
    );
  }

  /** Says on the pod that it is ours, which one of several that try can do, and answers for it from then on. */
  private async adopt(pod: V1Pod, signal: AbortSignal): Promise<void> {
    const keeper = this.requireKeeper();
    const { log, clock } = this.options;
    const identity = identityOf(pod);
    const origin = originOf(pod);
    const name = pod.metadata?.name ?? '';
    if (identity === undefined || origin === undefined) {
      // Nobody could say what became of it, and whoever waits for it would wait for ever.
      const uid = pod.metadata?.uid ?? '';
      log.warn('A pod was deleted that does not say whose it is', { pod: name });
      this.nobodys.add(uid, clock.monotonicMs());
      this.removal.remove({ name, uid });
      return;
    }
    const parts = {
      api: this.options.api,
      incarnation: keeper.incarnation,
      mayCreate: () => true,
      seen: () => undefined,
      say: () => undefined,
    };
    const from = ownerOf(pod);
    const taken = await takeOver(pod, parts, signal, (owner) => owner === from);
    if (taken.type === 'failed' && taken.failure.kind === 'rejected') {
      log.warn('A pod could not be adopted', { pod: name, from, reason: taken.failure.message });
      await wait(refusedForMs, signal);
    }
    if (taken.type !== 'pod') return;
    this.pods.learn(taken.pod);
    // It is an attempt's, also where that one is not ours to begin.
    this.strays.account(taken.pod.metadata?.uid ?? '');
    log.info('A pod was adopted', { pod: name, from });
    keeper.adopt(this.adoptionOf(taken.pod, identity, origin));
  }

  private adoptionOf(pod: V1Pod, identity: PodIdentity, origin: Origin): Adoption {
    const { reply_partition, since, traceparent, resources } = origin;
    const { project, runId, execution, attempt } = identity;
    return {
      of: { project, run_id: runId, execution, attempt, reply_partition, traceparent },
      since,
      resources,
      begin: (sink) => {
        const launch = launchFrom(pod, identity, origin);
        const begun = { secrets: secretsIn(origin) };
        return this.begin(launch, sink, { adopt: pod }, (onResult) => this.taskOf(launch, sink, begun, onResult));
      },
    };
  }
}

type AttemptKey = Pick<Addressed, 'project' | 'run_id' | 'execution' | 'attempt'>;

function identityOfAttempt({ project, run_id, execution, attempt }: AttemptKey): PodIdentity {
  return { project, runId: run_id, execution, attempt };
}

function isOfContainer(launch: Launch): launch is ContainerLaunch {
  return launch.action.type === 'container';
}

function isOfHandler(launch: Launch): launch is HandlerLaunch {
  return launch.action.type === 'handler';
}
