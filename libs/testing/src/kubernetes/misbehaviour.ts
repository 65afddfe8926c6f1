import { internalError, notAllowed, tooManyRequests, type Refusal } from './answers';
import { Chaos, type ChaosOptions, type Harmable } from './chaos';
import { confirmDeletion, deleteObject } from './deletion';
import type { Kubelet } from './kubelet';
import type { Listing } from './listing';
import type { Logs } from './logs';
import type { Node } from './node';
import { asPod, isFinished, nodes, pods, type Pod, type Resource } from './objects';
import type { PodRun } from './pod-run';
import { condition, mergeConditions } from './pod-status';
import { RequestFaults, type FaultRates, type Match } from './request-faults';
import type { Store } from './store';
import type { Watches } from './watch';

const evictedMessage = 'The node was low on resource: ephemeral-storage. ';

export interface MisbehavingParts {
  readonly store: Store;
  readonly watches: Watches;
  readonly listing: Listing;
  readonly logs: Logs;
  readonly kubelet: Kubelet;
  readonly user: string;
  /** The server's own door to the network. */
  readonly door: Pick<Harmable, 'isUp' | 'goDown' | 'comeBack'>;
}

/** Everything that a real cluster does to its clients, on demand. */
export class Misbehaviour {
  readonly requests = new RequestFaults();
  private startDelay: () => number = () => 0;
  private readonly schedules: Chaos[] = [];

  constructor(private readonly parts: MisbehavingParts) {}

  /** 429 in text/plain. */
  throttle(match?: Match): void {
    this.answer(tooManyRequests(), match);
  }

  /** 500. */
  fail(match?: Match): void {
    this.answer(internalError(), match);
  }

  /** Any of the answers in `answers.ts`, before anything is done. */
  answer(refusal: Refusal, match?: Match): void {
    this.requests.add({ kind: 'answer', refusal }, match);
  }

  /** 403 as without the right to it; `verb` as in a role, such as `list`. */
  forbid(verb: string, resource: Resource, namespace: string, match: Match): void {
    this.answer(notAllowed(this.parts.user, verb, resource, namespace), match);
  }

  /** The connection is reset before anything is done. */
  hangUp(match?: Match): void {
    this.requests.add({ kind: 'hang-up' }, match);
  }

  /** It is done, but nobody hears of it. */
  loseReply(match?: Match): void {
    this.requests.add({ kind: 'lose-reply' }, match);
  }

  /** Nobody hears of it, and it is done only when the answered function is called: somewhere on the way it was held up. */
  landLate(match?: Match): () => void {
    let land: () => void = () => undefined;
    const when = new Promise<void>((resolve) => (land = resolve));
    this.requests.add({ kind: 'land-late', when }, match);
    return land;
  }

  /** Nothing is done, and nobody hears of it, before the answered function is called. */
  hold(match?: Match): () => void {
    let release: () => void = () => undefined;
    const when = new Promise<void>((resolve) => (release = resolve));
    this.requests.add({ kind: 'hold', when }, match);
    return release;
  }

  delay(ms: number, match?: Match): void {
    this.requests.add({ kind: 'delay', ms }, match);
  }

  /** These shares of all requests from now on go wrong, the same way for the same seed and order of requests. */
  schedule(seed: number, rates: FaultRates): void {
    this.requests.schedule(seed, rates);
  }

  /**
   * From now on harms the cluster about every `everyMs`: its watches, its versions, single pods, the server's own reachability.
   * What was done is in `done`; it goes on until `stop`, or that of the server.
   */
  chaos(seed: number, options: ChaosOptions): Chaos {
    const chaos = new Chaos(seed, options, {
      ...this.parts.door,
      dropWatches: () => this.dropWatches(),
      silenceWatches: () => this.silenceWatches(),
      expireVersions: () => this.expireVersions(),
      evict: ({ metadata: { namespace = '', name } }) => this.evict(namespace, name),
      delete: (pod) => void deleteObject(this.parts.store, pods, pod, {}),
      oomKill: ({ metadata: { namespace = '', name } }) => this.oomKill(namespace, name),
      removeFinished: () => this.removeFinished(),
      running: () => this.runningPods(),
    });
    this.schedules.push(chaos);
    return chaos;
  }

  /** For the server, before it stops. */
  async stopChaos(): Promise<void> {
    await Promise.all(this.schedules.map((chaos) => chaos.stop()));
  }

  /** No more faults of requests, and pods start at once. */
  calm(): void {
    this.requests.clear();
    this.startDelay = () => 0;
    this.parts.listing.thaw();
  }

  /** Resets every open watch in the middle of a line. */
  dropWatches(): void {
    this.parts.watches.dropMidLine();
  }

  /** The watches that are open now stay open and silent for ever. */
  silenceWatches(): void {
    this.parts.watches.silence();
  }

  /** Every version so far is too old to watch from, and no list can be continued; open watches go on. */
  expireVersions(): void {
    this.parts.store.compact();
    this.parts.listing.forgetPages();
  }

  /** Lists show this moment until `calm`: a cache that is behind. */
  freezeLists(resource: Resource = pods): void {
    this.parts.listing.freeze(resource);
  }

  /** Resets every log that is being followed, in the middle of a line. */
  cutLogs(): void {
    this.parts.logs.cutMidLine();
  }

  /** The log so far is gone, and who follows it is at its end. */
  rotateLog(namespace: string, name: string, container?: string): void {
    const pod = this.pod(namespace, name);
    this.parts.kubelet.processOf(pod, container ?? pod.spec.containers[0]?.name ?? '')?.log.rotate();
  }

  /** 200, and a complaint of the runtime in the place of the log. */
  loseLog(namespace: string, name: string): void {
    this.parts.logs.lose(this.pod(namespace, name));
  }

  /** Pods take so long from their node to their first process; a function is asked for each. */
  slowStarts(ms: number | (() => number)): void {
    this.startDelay = typeof ms === 'number' ? () => ms : ms;
  }

  /** For the kubelet. */
  startDelayMs(): number {
    return this.startDelay();
  }

  /** Resolves when the last status of the pod is written. */
  async evict(namespace: string, name: string, message = evictedMessage): Promise<void> {
    await this.run(namespace, name).evict(message);
  }

  /** Kills a container as the kernel does when it has taken more memory than it may. */
  oomKill(namespace: string, name: string, container?: string): void {
    this.run(namespace, name).oomKill(container);
  }

  /** The node says nothing any more: its pods are Ready=False and else stay as they were; their logs cannot be read. */
  loseNode(name: string): void {
    this.node(name).lose();
    for (const pod of this.podsOn(name)) {
      const conditions = mergeConditions(
        pod.status.conditions ?? [],
        (pod.status.conditions ?? [])
          .filter(({ type }) => type === 'Ready')
          .map((ready) => condition(ready.type, { ...ready, status: 'False' })),
      );
      this.parts.store.replace(pods, { ...pod, status: { ...pod.status, conditions } });
    }
  }

  /** What happened on the node meanwhile is told now. */
  returnNode(name: string): void {
    this.parts.kubelet.welcomeBack(this.node(name));
  }

  /** After the toleration of a lost node, in a cluster with others: its pods are marked as deleted and stay so. */
  taintNode(name: string): void {
    const { store } = this.parts;
    for (const pod of this.podsOn(name)) {
      const marked = this.disrupt(pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint');
      deleteObject(store, pods, marked, {});
    }
  }

  /** The object of a lost node is deleted; PodGC fails its pods and removes them, their containers "running" to the last. */
  deleteNode(name: string): void {
    const { store, kubelet } = this.parts;
    const orphaned = this.podsOn(name);
    this.node(name).lose();
    const object = store.find(nodes, undefined, name);
    if (object) store.remove(nodes, object);
    kubelet.nodes.splice(kubelet.nodes.indexOf(this.node(name)), 1);
    for (const pod of orphaned) {
      const failed = { ...pod, status: { ...pod.status, phase: 'Failed' } };
      confirmDeletion(store, pods, this.disrupt(failed, 'DeletionByPodGC', 'PodGC: node no longer exists'));
    }
  }

  /** What terminated-pod-gc does: only the newest of the finished pods are kept. Answers the others. */
  removeFinished(kept = 0): readonly Pod[] {
    const { store } = this.parts;
    const finished = store
      .list(pods)
      .map(asPod)
      .filter(isFinished)
      .sort((a, b) => Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion))
      .slice(kept);
    finished.forEach((pod) => deleteObject(store, pods, pod, {}));
    return finished;
  }

  private disrupt(pod: Pod, reason: string, message: string): Pod {
    const next = condition('DisruptionTarget', { status: 'True', reason, message });
    const conditions = mergeConditions(pod.status.conditions ?? [], [next]);
    return asPod(this.parts.store.replace(pods, { ...pod, status: { ...pod.status, conditions } }));
  }

  private podsOn(node: string): Pod[] {
    return this.parts.store
      .list(pods)
      .map(asPod)
      .filter((pod) => pod.spec.nodeName === node && !isFinished(pod));
  }

  private runningPods(): Pod[] {
    const { store, kubelet } = this.parts;
    const isRunning = (pod: Pod) => kubelet.processOf(pod, pod.spec.containers[0]?.name ?? '')?.isRunning === true;
    return store
      .list(pods)
      .map(asPod)
      .filter((pod) => pod.status.phase === 'Running' && !pod.metadata.deletionTimestamp && isRunning(pod));
  }

  private pod(namespace: string, name: string): Pod {
    return asPod(this.parts.store.get(pods, namespace, name));
  }

  private run(namespace: string, name: string): PodRun {
    const run = this.parts.kubelet.runOf(this.pod(namespace, name));
    if (!run) throw new Error(`Expected pod ${namespace}/${name} to be on a node, found it is not`);
    return run;
  }

  private node(name: string): Node {
    const node = this.parts.kubelet.nodes.find((one) => one.name === name);
    if (!node) throw new Error(`Expected a node ${name}, found none`);
    return node;
  }
}
