import { setMaxListeners } from 'node:events';
import type { V1Pod } from '@kubernetes/client-node';
import type { FileStore, Secrets } from '@ryax/filestore';
import { Owner, wait, type Clock, type Log } from '@ryax/platform';
import type { Addressed } from '../attempt-name';
import type { Adoption, KeptWork, Keeper, Launch, Launcher, LogSink, RunningAttempt } from '../launcher';
import { AttemptFailure } from '../process/attempt-failure';
import { resolveValues } from '../process/references';
import { ValueCache } from '../process/value-cache';
import { choosePool } from './choose-pool';
import { KnownPods, type KnownPodsOptions } from './cluster/known-pods';
import type { PodApi } from './cluster/pod-api';
import type { PodLogOptions } from './cluster/pod-log';
import { identityOf } from './labels';
import { adopterOf, originOf, owned, ownerOf, type Origin } from './ownership';
import { PodAttempt, type Begin } from './pod-attempt';
import { takeOver } from './pod-creation';
import { podName, type PodIdentity } from './pod-name';
import { PodRemoval } from './pod-removal';
import { amountsOfPod } from './pod-resources';
import { podFor, type ContainerLaunch } from './pod-spec';
import type { PodLimits } from './pod-step';
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
  /** `RYAX_LIMIT_INLINE_VALUE_BYTES`: outputs above it go through the filestore. */
  readonly inlineValueBytes: number;
  readonly watching?: KnownPodsOptions | undefined;
  readonly reading?: PodLogOptions | undefined;
  readonly closeConnection: () => void;
}

const mostValueBytes = 64 * 1024 * 1024;
/** Longer than this no timer can count. */
const longestWaitMs = 2 ** 31 - 1;

/** Runs actions as pods, one for each attempt. They go on without us, and those of an executor that is gone become another's. */
export class KubernetesLauncher implements Launcher, KeptWork {
  private readonly pods: KnownPods;
  private readonly owner: Owner;
  private readonly removal: PodRemoval;
  private readonly values: ValueCache;
  private readonly leaving = new AbortController();
  private readonly held = new Map<string, PodAttempt>();
  private readonly adopting = new Set<string>();
  private keeper: Keeper | undefined;

  constructor(private readonly options: KubernetesLauncherOptions) {
    // Each attempt waits for it.
    setMaxListeners(0, this.leaving.signal);
    const { api, clock, log, files, watching } = options;
    this.pods = new KnownPods(api, clock, log, watching);
    this.owner = new Owner(log);
    this.removal = new PodRemoval(api, this.owner, log);
    this.values = new ValueCache(files, mostValueBytes);
  }

  get kept(): KeptWork {
    return this;
  }

  async open(keeper: Keeper): Promise<void> {
    this.keeper = keeper;
    await new Promise<void>((listed) => {
      this.owner.run('follow pods', (signal) => this.pods.follow(signal, listed), { vital: true });
    });
    this.options.log.info('Pods were found', { pods: this.pods.size });
  }

  launch(launch: Launch, sink: LogSink): RunningAttempt {
    return this.begin(launch, sink, { create: () => this.podOf(launch) });
  }

  alive(incarnations: readonly string[]): void {
    const { incarnation } = this.requireKeeper();
    for (const pod of this.pods.all()) {
      const owner = ownerOf(pod) ?? '';
      const uid = pod.metadata?.uid ?? '';
      if (owner === incarnation || incarnations.includes(owner) || this.adopting.has(uid)) continue;
      if (adopterOf(uid, incarnations) === incarnation) this.adoptInTime(pod, uid);
    }
  }

  async exists(attempt: AttemptKey): Promise<boolean> {
    const found = await this.pods.look(podName(identityOfAttempt(attempt)), this.leaving.signal);
    // Not of an attempt: somebody else's, who has it under that name.
    if (found === undefined || identityOf(found) === undefined) return false;
    // A pod of ours that we do not hold has ended and is settled: it is kept for people to look at.
    return ownerOf(found) !== this.requireKeeper().incarnation;
  }

  forget(attempt: AttemptKey): void {
    const name = podName(identityOfAttempt(attempt));
    const { retentionMs } = this.options.site;
    const uid = this.pods.find(name)?.metadata?.uid;
    if (uid === undefined) return;
    this.owner.run(`keep pod ${name}`, async (signal) => {
      if (retentionMs > 0) await wait(Math.min(retentionMs, longestWaitMs), signal);
      this.removal.remove({ name, uid });
    });
  }

  /** Lets go of all pods: they go on, and a successor answers for them. */
  async close(): Promise<void> {
    this.leaving.abort(new Error('the executor leaves'));
    await Promise.all([...this.held.values()].map(({ ended }) => ended));
    await this.owner.stop();
    this.options.closeConnection();
  }

  private requireKeeper(): Keeper {
    if (this.keeper === undefined) throw new Error('Expected the launcher to be open');
    return this.keeper;
  }

  private begin(launch: Launch, sink: LogSink, begin: Begin): PodAttempt {
    const { api, clock, files, secrets, inlineValueBytes, reading } = this.options;
    const { pods, removal } = this;
    const keeper = this.requireKeeper();
    const name = podName(launch);
    const parts = {
      ...{ api, pods, removal, clock },
      targets: { files, secrets, inlineValueBytes },
      incarnation: keeper.incarnation,
      mayCreate: () => keeper.mayBegin(),
      leaving: this.leaving.signal,
      reading,
    };
    const attempt = new PodAttempt(parts, { name, launch, limits: this.limitsOf(launch) }, sink, begin);
    this.held.set(name, attempt);
    void attempt.ended.then(() => {
      if (this.held.get(name) === attempt) this.held.delete(name);
    });
    return attempt;
  }

  private limitsOf({ timeoutMs, resources }: Launch): PodLimits {
    const { site, pool } = this.options;
    const limits = [timeoutMs, resources.time_ms, pool.timeLimitMs].filter((each) => typeof each === 'number');
    return { timeLimitMs: limits.length === 0 ? null : Math.min(...limits), patience: site.patienceMs };
  }

  /** Rejects with an AttemptFailure where no pod can be made of it. */
  private async podOf(launch: Launch): Promise<V1Pod> {
    const { site, pool } = this.options;
    if (!isOfContainer(launch)) {
      const message = `The site ${site.name} runs containers; this action is a ${launch.action.type} without an image`;
      throw new AttemptFailure({ kind: 'rejected', message });
    }
    this.checkFit(launch);
    const inputs: Launch['inputs'] = {};
    for (const [name, value] of Object.entries(launch.inputs)) inputs[name] = await resolveValues(value, this.values);
    return owned(podFor({ ...launch, inputs }, pool, site), this.requireKeeper().incarnation, originIn(launch));
  }

  private checkFit({ resources, timeoutMs }: Launch): void {
    const { site, pool } = this.options;
    const amounts = amountsOfPod(resources, site.defaults);
    const timeMs = resources.time_ms ?? timeoutMs;
    const offer = { site: site.name, pool, free: capacityOf(pool) };
    const choice = choosePool({ constraints: {}, amounts, timeMs, weights: {} }, [offer]);
    if (choice.status === 'rejected') throw new AttemptFailure(choice.failure);
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
    const { log } = this.options;
    const identity = identityOf(pod);
    const origin = originOf(pod);
    const name = pod.metadata?.name ?? '';
    if (identity === undefined || origin === undefined) {
      // Nobody could say what became of it, and whoever waits for it would wait for ever.
      log.warn('A pod was deleted that does not say whose it is', { pod: name });
      this.removal.remove({ name, uid: pod.metadata?.uid ?? '' });
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
    if (taken.type !== 'pod') return;
    this.pods.learn(taken.pod);
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
      begin: (sink) => this.begin(launchFrom(pod, identity, origin), sink, { adopt: pod }),
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

function originIn({ origin, timeoutMs, resources, action }: ContainerLaunch): Origin {
  return {
    reply_partition: origin.replyPartition,
    since: origin.since,
    ...(origin.traceparent !== undefined && { traceparent: origin.traceparent }),
    timeout_ms: timeoutMs,
    resources,
    outputs: action.outputs,
  };
}

/** What is needed of a launch whose pod is there: no inputs, and of the action its outputs. */
function launchFrom(pod: V1Pod, identity: PodIdentity, origin: Origin): ContainerLaunch {
  const { reply_partition: replyPartition, since, traceparent, timeout_ms: timeoutMs, resources, outputs } = origin;
  const image = pod.spec?.containers[0]?.image ?? '';
  return {
    ...identity,
    workflowId: '',
    action: { type: 'container', image, command: [], env: {}, outputs },
    inputs: {},
    resources,
    timeoutMs,
    origin: { replyPartition, since, traceparent },
  };
}
