import { setMaxListeners } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { FileStore, Secrets } from '@ryax/filestore';
import { longestTimerMs, Owner, wait, type Clock, type Log, type Metrics } from '@ryax/platform';
import type { Addressed } from '../attempt-name';
import { placeAmong } from '../incarnation';
import type { Adoption, KeptWork, Keeper, Launch, Launcher, LogSink, RunningAttempt } from '../launcher';
import type { PoolHealth } from '../pool-health';
import type { Begun } from './action/handler-task';
import { PodAdoption } from './adoption';
import { KnownPods, type KnownPodsOptions } from './cluster/known-pods';
import type { PodApi } from './cluster/pod-api';
import type { PodLogOptions } from './cluster/pod-log';
import { hasFiles } from './command/files-containers';
import { identityOf } from './labels';
import { checkFit, limitsOf } from './launch-limits';
import { launchFrom, originIn, secretsIn } from './launch-origin';
import { originOf, owned, ownerOf, type Origin } from './ownership';
import { PodAttempt, type Begin, type PodWork } from './pod-attempt';
import { podName, type PodIdentity } from './pod-name';
import { podOutcome } from './pod-outcome';
import { releasePods } from './pod-release';
import { PodRemoval } from './pod-removal';
import { amountsOfPod } from './pod-resources';
import { isOfHandler, PodTasks } from './pod-tasks';
import { shareOf, type NodePool, type SiteConfig } from './site-config';
import { isWarm, kindOf, kindOfPod } from './warm/warm-kind';
import { WarmPods } from './warm/warm-pods';

export interface KubernetesLauncherOptions {
  readonly site: SiteConfig;
  /** The nodes that our pods run on. */
  readonly pool: NodePool;
  readonly api: PodApi;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when pods are not followed any more, and why they cannot be. */
  readonly health: PoolHealth;
  /** `RYAX_LIMIT_INLINE_VALUE_BYTES`: outputs above it go through the filestore. */
  readonly inlineValueBytes: number;
  /** `RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS`: a warm pod without work for so long is removed. */
  readonly idleMs: number;
  readonly metrics: Metrics;
  /** For files on their way to pods and back. Nothing in it outlives the process. */
  readonly directory: string;
  readonly watching?: KnownPodsOptions | undefined;
  readonly reading?: PodLogOptions | undefined;
  readonly closeConnection: () => void;
}

const actionsFolder = 'actions';
/** A shutdown does not wait longer for the cluster to take its deletions. */
const removingMs = 3_000;

/** Runs actions as pods, one for each attempt, or for many of the same handler. They go on without us, and those of an executor that is gone become another's. */
export class KubernetesLauncher implements Launcher, KeptWork {
  private readonly pods: KnownPods;
  private readonly owner: Owner;
  private readonly removal: PodRemoval;
  private readonly tasks: PodTasks;
  private readonly leaving = new AbortController();
  private readonly held = new Map<string, PodAttempt>();
  private unregister: () => void = () => undefined;
  private whenOpen: Opened | undefined;
  private whenLeft: Promise<void> | undefined;

  constructor(private readonly options: KubernetesLauncherOptions) {
    // Each attempt waits for it.
    setMaxListeners(0, this.leaving.signal);
    const { api, clock, log, health, watching } = options;
    this.pods = new KnownPods(api, clock, log, watching);
    this.owner = new Owner(log, health);
    this.removal = new PodRemoval(api, this.owner, log);
    const actionsDirectory = join(options.directory, actionsFolder);
    this.tasks = new PodTasks({ ...options, actionsDirectory, pods: this.pods, leaving: this.leaving.signal });
  }

  get kept(): KeptWork {
    return this;
  }

  async open(keeper: Keeper): Promise<void> {
    this.whenOpen = this.openedFor(keeper);
    await this.clearDirectory();
    this.unregister = this.options.health.register('executor cluster', () => this.pods.check());
    await new Promise<void>((listed) => {
      this.owner.run('follow pods', (signal) => this.pods.follow(signal, listed), { vital: true });
    });
    this.options.log.info('Pods were found', { pods: this.pods.size });
  }

  launch(launch: Launch, sink: LogSink): RunningAttempt {
    const { keeper, warm } = this.opened;
    if (this.options.site.handlers === 'warm' && isOfHandler(launch)) return warm.launch(launch, sink);
    const create = (pod: V1Pod) => {
      checkFit(launch, this.options.site, this.options.pool);
      return owned(pod, keeper.incarnation, originIn(launch));
    };
    return this.beginOwn(launch, sink, { create });
  }

  /** Where pods of handlers are kept that nobody uses. */
  get prewarm(): Launcher['prewarm'] {
    const { site, idleMs } = this.options;
    if (site.handlers !== 'warm' || site.actionImages === undefined || !site.prewarm || idleMs === 0) return undefined;
    return ({ project, handlers: wanted }) =>
      this.opened.warm.prewarm(wanted.map((each) => kindOf({ project, ...each }, each.content_hash)));
  }

  alive(incarnations: readonly string[]): void {
    const { adoption, keeper, warm } = this.opened;
    warm.resize(shareOf(this.options.pool, ...placeAmong(incarnations, keeper.incarnation)));
    adoption.alive(incarnations);
  }

  async exists(attempt: AttemptKey): Promise<boolean> {
    // Pods of ours that we have let go of still look like ours, and nothing more is heard of any: others are asked after us.
    if (this.leaving.signal.aborted) return true;
    const { adoption, keeper, warm } = this.opened;
    const identity = identityOfAttempt(attempt);
    const found = await this.pods.look(podName(identity), this.leaving.signal);
    // One without an identity is not of an attempt: somebody else's, who has it under that name.
    if (found !== undefined && identityOf(found) !== undefined) {
      // It may be labelled as ours before we know that it is, and hold it.
      if (adoption.isUnderway(found)) return true;
      // A pod of ours that we do not hold has ended and is settled: it is kept for people to look at.
      if (ownerOf(found) !== keeper.incarnation) return true;
    }
    if (await warm.mayHold(identity)) return true;
    return [...adoption.pods].some((pod) => kindOfPod(pod)?.project === attempt.project);
  }

  reported(attempt: AttemptKey): void {
    this.opened.warm.reported(identityOfAttempt(attempt));
  }

  forget(attempt: AttemptKey): void {
    const identity = identityOfAttempt(attempt);
    this.opened.warm.forget(identity);
    const pod = this.pods.find(podName(identity));
    if (pod !== undefined) this.discard(pod);
  }

  leave(): Promise<void> {
    return (this.whenLeft ??= this.letGo());
  }

  async close(): Promise<void> {
    await this.leave();
    this.unregister();
    // A successor makes those that are missing.
    await this.removal.allTaken(removingMs).catch(() => undefined);
    await this.owner.stop();
    this.options.closeConnection();
  }

  /** All pods go on, and a successor answers for them. */
  private async letGo(): Promise<void> {
    this.leaving.abort(new Error('the executor leaves'));
    const left = [...this.held].map(async ([name, { ended }]) =>
      (await ended) === 'left' ? this.pods.find(name) : undefined,
    );
    const { keeper, warm, adoption } = this.whenOpen ?? {};
    const idle = (warm?.idle ?? []).filter(({ metadata }) => !this.held.has(metadata?.name ?? ''));
    const pods = [...left, ...idle.map((pod) => Promise.resolve(pod)), ...(adoption?.leave() ?? [])];
    if (keeper !== undefined) await releasePods(pods, keeper.incarnation, this.options.api);
  }

  /** Of what a predecessor has left. The folder itself may be a volume. */
  private async clearDirectory(): Promise<void> {
    const { directory } = this.options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
    await mkdir(join(directory, actionsFolder));
  }

  private openedFor(keeper: Keeper): Opened {
    const { api, site, pool, clock, log, metrics, idleMs } = this.options;
    const { pods, owner, removal } = this;
    const { incarnation } = keeper;
    const adoption = new PodAdoption({
      ...{ api, pods, owner, removal, clock, log, incarnation },
      isHeld: (name) => this.held.has(name),
      isKnowable: (pod) =>
        (isWarm(pod) ? kindOfPod(pod) !== undefined : identityOf(pod) && originOf(pod)) !== undefined,
      adopted: (pod, signal) => this.adopted(pod, signal),
    });
    const warm = new WarmPods({
      ...{ api, site, pool, pods, clock, log, metrics, owner, removal, keeper, idleMs },
      leaving: this.leaving.signal,
      begin: (work, sink, begin) => this.begin(work, sink, begin),
      taskOf: (launch, sink, begun, onResult, seat) => this.tasks.ofHandler(launch, sink, begun, onResult, seat),
      discard: (pod) => this.discard(pod),
    });
    return { keeper, adoption, warm };
  }

  private get opened(): Opened {
    if (this.whenOpen === undefined) throw new Error('Expected the launcher to be open');
    return this.whenOpen;
  }

  /** Deletes it; one that has ended is kept for a while, for people to look at. */
  private discard(pod: V1Pod): void {
    const { name = '', uid } = pod.metadata ?? {};
    if (uid === undefined) return;
    // What goes on, as the server of an action image does for ever, or may yet begin: its room is wanted.
    const hasEnded = ['succeeded', 'failed'].includes(podOutcome(pod).status);
    // So does that of a command's files.
    const keptMs = hasEnded && !hasFiles(pod) ? this.options.site.retentionMs : 0;
    this.owner.run(`keep pod ${name}`, async (signal) => {
      if (keptMs > 0) await wait(Math.min(keptMs, longestTimerMs), signal);
      this.removal.remove({ name, uid });
    });
  }

  /** In a pod of its own. */
  private beginOwn(launch: Launch, sink: LogSink, begin: Begin, begun?: Begun): PodAttempt {
    const { site, pool } = this.options;
    const { warm } = this.opened;
    const name = podName(launch);
    warm.occupy(name, amountsOfPod(launch.resources, site.defaults));
    const task = (onResult: () => void) => this.tasks.of(launch, sink, begun, onResult);
    const attempt = this.begin({ name, limits: limitsOf(launch, site, pool), task }, sink, begin);
    void attempt.ended.then(() => warm.release(name));
    return attempt;
  }

  private begin(work: PodWork, sink: LogSink, begin: Begin): PodAttempt {
    const { api, clock } = this.options;
    const { pods, removal } = this;
    const { keeper } = this.opened;
    const { name } = work;
    const parts = {
      ...{ api, pods, removal, clock },
      incarnation: keeper.incarnation,
      mayCreate: () => keeper.mayBegin(),
      leaving: this.leaving.signal,
    };
    const attempt = new PodAttempt(parts, work, sink, begin);
    this.held.set(name, attempt);
    void attempt.ended.then(() => {
      if (attempt.podUid !== undefined) this.opened.adoption.account(attempt.podUid);
      if (this.held.get(name) === attempt) this.held.delete(name);
    });
    return attempt;
  }

  /** What another executor has left is ours now. */
  private async adopted(pod: V1Pod, signal: AbortSignal): Promise<void> {
    if (isWarm(pod)) return this.opened.warm.adopt(pod, signal);
    const identity = identityOf(pod);
    const origin = originOf(pod);
    if (identity === undefined || origin === undefined) throw new Error('Expected a pod that says whose it is');
    this.opened.keeper.adopt(this.adoptionOf(pod, identity, origin));
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
        return this.beginOwn(launch, sink, { adopt: pod }, begun);
      },
    };
  }
}

/** What there is from {@link KubernetesLauncher.open} on. */
interface Opened {
  readonly keeper: Keeper;
  readonly adoption: PodAdoption;
  readonly warm: WarmPods;
}

type AttemptKey = Pick<Addressed, 'project' | 'run_id' | 'execution' | 'attempt'>;

function identityOfAttempt({ project, run_id, execution, attempt }: AttemptKey): PodIdentity {
  return { project, runId: run_id, execution, attempt };
}
