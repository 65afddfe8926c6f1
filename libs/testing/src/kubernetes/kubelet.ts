import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait, setImmediate as turn } from 'node:timers/promises';
import type { ContainerProcess } from './container-process';
import type { Amounts, Node } from './node';
import { asPod, pods, type Pod } from './objects';
import type { PodSurroundings } from './pod-containers';
import { PodRun } from './pod-run';
import { condition, mergeConditions } from './pod-status';
import { requestsOf } from './quantity';
import type { Change } from './store';

const scheduleRetrySeconds = 1;

/** Scheduler and kubelets in one: gives every pod that is created a node, and runs it there. */
export class Kubelet {
  private readonly runs = new Map<string, PodRun>();
  private readonly placed = new Map<string, { readonly node: Node; readonly asked: Amounts }>();
  private readonly lives = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly unsubscribe: () => void;
  /** Those whose objects were deleted are among them. */
  private readonly allNodes: readonly Node[];
  /** Other test servers of this machine have pods, too. */
  private addresses = randomInt(mostAddresses);

  constructor(
    readonly nodes: Node[],
    private readonly folder: string,
    private readonly around: PodSurroundings,
    private readonly onFault: (error: unknown) => void,
  ) {
    this.allNodes = [...nodes];
    this.unsubscribe = around.store.subscribe((change) => {
      if (change.resource === pods) this.follow(change);
    });
  }

  runOf(pod: Pod): PodRun | undefined {
    return this.runs.get(pod.metadata.uid ?? '');
  }

  /** The container's process, or undefined while there is none. */
  processOf(pod: Pod, container: string): ContainerProcess | undefined {
    return this.runOf(pod)?.processOf(container);
  }

  nodeOf({ spec }: Pod): Node | undefined {
    return this.nodes.find(({ name }) => name === spec.nodeName);
  }

  /** All that happened while nobody heard of it is told now. */
  welcomeBack(node: Node): void {
    node.comeBack();
    for (const pod of this.around.store.list(pods).map(asPod)) {
      const run = this.runOf(pod);
      if (run?.node !== node) continue;
      run.publish();
      const { deletionGracePeriodSeconds: grace = 0 } = pod.metadata;
      if (grace > 0) run.terminate('deleted', grace);
    }
  }

  /** Ends every container. */
  async stop(): Promise<void> {
    this.unsubscribe();
    this.stopping.abort();
    this.allNodes.forEach((node) => node.comeBack());
    await Promise.all([...this.runs.values()].map((run) => run.vanish()));
    await Promise.all(this.lives);
  }

  private follow({ type, object, previous }: Change): void {
    const pod = asPod(object);
    const uid = pod.metadata.uid ?? '';
    if (type === 'DELETED') {
      this.vacate(uid);
      const run = this.runs.get(uid);
      this.runs.delete(uid);
      if (run) this.guard(run.vanish());
      return;
    }
    if (type === 'ADDED') this.guard(this.take(pod));
    const grace = pod.metadata.deletionGracePeriodSeconds;
    const isNewGrace = grace !== undefined && grace !== previous?.metadata.deletionGracePeriodSeconds;
    if (isNewGrace && grace > 0 && !this.nodeOf(pod)?.isLost) this.runs.get(uid)?.terminate('deleted', grace);
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') this.vacate(uid);
  }

  private async take(created: Pod): Promise<void> {
    const { uid = '' } = created.metadata;
    await turn();
    const scheduled = await this.schedule(created);
    if (!scheduled) return;
    const { pod, node } = scheduled;
    const run = new PodRun(
      pod,
      node,
      { folder: join(this.folder, uid), podIP: addressOf((this.addresses += 1)) },
      this.around,
    );
    this.runs.set(uid, run);
    await turn();
    await run.live();
  }

  /** Tries until there is room; answers undefined when the pod has gone meanwhile. */
  private async schedule(created: Pod): Promise<{ pod: Pod; node: Node } | undefined> {
    const asked = { ...requestsOf(created.spec.containers), pods: 1 };
    const { store, events, secondMs } = this.around;
    for (;;) {
      const { namespace, name, uid = '' } = created.metadata;
      const found = store.find(pods, namespace, name);
      if (found?.metadata.uid !== uid || !found || this.stopping.signal.aborted) return undefined;
      const pod = asPod(found);
      const fit = this.fit(pod, asked);
      if (typeof fit !== 'string') {
        this.placed.set(uid, { node: fit, asked });
        fit.take(asked);
        const status = withCondition(pod, condition('PodScheduled', { status: 'True' }));
        const spec = { ...pod.spec, nodeName: fit.name };
        const bound = asPod(store.replace(pods, { ...pod, spec, status }));
        const message = `Successfully assigned ${namespace}/${name} to ${fit.name}`;
        events.record(bound, { reason: 'Scheduled', message, component: 'default-scheduler' });
        return { pod: bound, node: fit };
      }
      const refused = { status: 'False', reason: 'Unschedulable', message: fit };
      store.replace(pods, { ...pod, status: withCondition(pod, condition('PodScheduled', refused)) });
      const event = { reason: 'FailedScheduling', message: fit, component: 'default-scheduler' };
      events.record(pod, { type: 'Warning', ...event });
      await wait(scheduleRetrySeconds * secondMs, undefined, { signal: this.stopping.signal, ref: false });
    }
  }

  /** The emptiest node that can take it, or why none can. */
  private fit(pod: Pod, asked: Amounts): Node | string {
    const reasons = this.nodes.map((node) => {
      if (node.isLost) return 'node(s) had untolerated taint {node.kubernetes.io/unreachable: }';
      if (!node.matches(pod.spec.nodeSelector)) return "node(s) didn't match Pod's node affinity/selector";
      const lack = node.lacks(asked);
      return lack === undefined ? undefined : `Insufficient ${lack}`;
    });
    const [best] = this.nodes
      .filter((_node, index) => reasons[index] === undefined)
      .sort((a, b) => a.podCount - b.podCount);
    return best ?? unschedulable(reasons.flatMap((reason) => reason ?? []));
  }

  /** Its pod has ended or gone: others may have the room. */
  private vacate(uid: string): void {
    const place = this.placed.get(uid);
    if (!this.placed.delete(uid)) return;
    place?.node.giveBack(place.asked);
  }

  private guard(work: Promise<void>): void {
    const guarded = work
      .catch((error: unknown) => {
        if (!this.stopping.signal.aborted) this.onFault(error);
      })
      .finally(() => this.lives.delete(guarded));
    this.lives.add(guarded);
  }
}

function withCondition(pod: Pod, next: ReturnType<typeof condition>): Pod['status'] {
  return { ...pod.status, conditions: mergeConditions(pod.status.conditions ?? [], [next]) };
}

function unschedulable(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  reasons.forEach((reason) => counts.set(reason, (counts.get(reason) ?? 0) + 1));
  const list = [...counts].map(([reason, count]) => `${count} ${reason}`).join(', ');
  const total = reasons.length;
  return `0/${total} nodes are available: ${list}. no new claims to deallocate, preemption: 0/${total} nodes are available: ${total} Preemption is not helpful for scheduling.`;
}

const mostAddresses = 254 * 62_500;

/** Linux has all of 127.0.0.0/8: each pod may listen on its own address, on the port that all of them use. */
function addressOf(place: number): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return `127.${1 + (Math.floor(place / 62_500) % 254)}.${1 + (Math.floor(place / 250) % 250)}.${1 + (place % 250)}`;
}
