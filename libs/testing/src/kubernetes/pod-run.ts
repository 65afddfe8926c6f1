import { setImmediate as turn } from 'node:timers/promises';
import type { ContainerProcess } from './container-process';
import { confirmDeletion } from './deletion';
import type { PodEvent } from './event-recorder';
import type { Node } from './node';
import { asPod, pods, timestamp, type Container, type Pod } from './objects';
import { PodContainers, pause, type PodSurroundings } from './pod-containers';
import { PodFolder } from './pod-folder';
import { statusOf } from './pod-status';

/** Why a pod ends otherwise than by itself. */
type Ending = 'deleted' | 'deadline' | 'evicted' | 'vanished';

interface Final {
  readonly phase: 'Succeeded' | 'Failed';
  readonly reason?: string;
  readonly message?: string;
}

const defaultGraceSeconds = 30;
const mountRetrySeconds = 2;
const deadlineMessage = 'Pod was active on the node longer than the specified deadline';

/** One pod on its node: what a kubelet does with it from the first status to the last. */
export class PodRun {
  private readonly containers: PodContainers;
  private readonly folder: PodFolder;
  private readonly startTime = timestamp();
  private readonly starting = new AbortController();
  private hasNetwork = false;
  private ending: Ending | undefined;
  private final: Final | undefined;
  private killTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly pod: Pod,
    readonly node: Node,
    private readonly place: { readonly folder: string; readonly podIP: string },
    private readonly around: PodSurroundings,
  ) {
    this.folder = new PodFolder(place.folder, pod);
    this.containers = new PodContainers(pod, this.folder, around, {
      starting: this.starting.signal,
      // How containers end under an ending is told in one status with the pod's own end.
      onChange: () => !this.ending && this.publish(),
      onLateStart: () => this.signalEnding(),
      record: (event) => this.record(event),
    });
  }

  get isOver(): boolean {
    return this.final !== undefined || this.ending === 'vanished';
  }

  processOf(container: string): ContainerProcess | undefined {
    return this.containers.processOf(container);
  }

  /** Resolves when the pod is finished, or gone. */
  async live(): Promise<void> {
    const deadline = this.watchDeadline();
    try {
      await this.start();
    } catch (error) {
      if (!this.starting.signal.aborted) throw error;
    }
    await this.finish();
    clearTimeout(deadline);
    clearTimeout(this.killTimer);
  }

  /** TERM now, KILL after the grace. */
  terminate(ending: 'deleted' | 'deadline', graceSeconds: number): void {
    this.ending ??= ending;
    this.starting.abort();
    this.containers.terminate();
    this.killAfter(graceSeconds);
  }

  /** Ends its processes and says nothing about it; resolves when they are gone. */
  async vanish(): Promise<void> {
    this.ending = 'vanished';
    this.starting.abort();
    this.containers.killAll();
    await this.containers.whenEnded();
    clearTimeout(this.killTimer);
    this.folder.remove();
  }

  /** The node needs the room. */
  async evict(message: string): Promise<void> {
    if (this.isOver) return;
    this.ending = 'evicted';
    this.starting.abort();
    this.final = { phase: 'Failed', reason: 'Evicted', message };
    this.record({ type: 'Warning', reason: 'Evicted', message });
    this.containers.forget('creating');
    this.publish();
    this.containers.killAll();
    await this.containers.whenEnded();
    this.containers.forget('unknown');
    this.publish();
    this.confirmDeletion();
  }

  oomKill(container = this.pod.spec.containers[0]?.name ?? ''): void {
    this.containers.oomKill(container);
  }

  /** Reports how it is, unless nobody is to hear of it. */
  publish(): void {
    const pod = this.current();
    if (!pod || this.ending === 'vanished' || this.node.isLost) return;
    const status = statusOf(pod, {
      phase: this.phase,
      ...this.final,
      startTime: this.startTime,
      hostIP: '127.0.0.1',
      ...(this.hasNetwork && { podIP: this.place.podIP }),
      states: this.containers.states,
      ids: this.containers.ids,
    });
    this.around.store.replace(pods, { ...pod, status });
  }

  private get phase(): string {
    const { containers } = this.pod.spec;
    const states = containers.map(({ name }) => this.containers.states.get(name));
    const hasStarted = containers.some(({ name }) => this.containers.processOf(name));
    return hasStarted && states.every((state) => state && !state.waiting) ? 'Running' : 'Pending';
  }

  private async start(): Promise<void> {
    const { spec } = this.pod;
    const { podIP } = this.place;
    this.publish();
    await this.mount();
    await pause(this.around.startDelayMs(), this.starting.signal);
    this.hasNetwork = true;
    for (const container of spec.initContainers ?? []) {
      if (isSidecar(container)) await this.containers.start(container, podIP);
      else await this.containers.run(container, podIP);
      if (!isSidecar(container) && this.containers.exitCodeOf(container) !== 0) return;
      this.starting.signal.throwIfAborted();
    }
    await Promise.all(spec.containers.map((container) => this.containers.run(container, podIP)));
  }

  private async mount(): Promise<void> {
    for (;;) {
      const message = this.folder.mount(this.around.store);
      if (message === undefined) return;
      this.record({ type: 'Warning', reason: 'FailedMount', message });
      await pause(mountRetrySeconds * this.around.secondMs, this.starting.signal);
    }
  }

  private async finish(): Promise<void> {
    await this.stopSidecars();
    await this.containers.whenEnded();
    // The container's end and the pod's are two statuses.
    if (!this.ending) await turn();
    if (this.isOver) return;
    await this.node.whenPresent();
    if (this.isOver) return;
    const hasSucceeded = this.pod.spec.containers.every((container) => this.containers.exitCodeOf(container) === 0);
    this.final =
      this.ending === 'deadline'
        ? { phase: 'Failed', reason: 'DeadlineExceeded', message: deadlineMessage }
        : { phase: hasSucceeded ? 'Succeeded' : 'Failed' };
    this.publish();
    this.confirmDeletion();
  }

  private confirmDeletion(): void {
    const pod = this.current();
    if (pod?.metadata.deletionTimestamp !== undefined) confirmDeletion(this.around.store, pods, pod);
  }

  /** They run until all else has ended, then have the grace of the pod. */
  private async stopSidecars(): Promise<void> {
    const { initContainers = [], terminationGracePeriodSeconds: graceSeconds = defaultGraceSeconds } = this.pod.spec;
    if (this.ending || !initContainers.some(isSidecar)) return;
    this.containers.terminate();
    this.killAfter(graceSeconds);
    await this.containers.whenEnded();
  }

  /** A second grace may only end earlier. */
  private killAfter(graceSeconds: number): void {
    const timer = setTimeout(() => this.containers.killAll(), graceSeconds * this.around.secondMs).unref();
    const earlier = this.killTimer;
    this.killTimer = timer;
    void this.containers.whenEnded().then(() => {
      clearTimeout(timer);
      clearTimeout(earlier);
    });
  }

  private signalEnding(): void {
    if (this.ending === 'deleted' || this.ending === 'deadline') this.containers.terminate();
    else this.containers.killAll();
  }

  private watchDeadline(): NodeJS.Timeout | undefined {
    const { activeDeadlineSeconds: seconds, terminationGracePeriodSeconds: grace = defaultGraceSeconds } =
      this.pod.spec;
    if (seconds === undefined) return undefined;
    return setTimeout(() => {
      if (this.isOver || this.ending) return;
      this.record({ reason: 'DeadlineExceeded', message: deadlineMessage });
      this.terminate('deadline', grace);
    }, seconds * this.around.secondMs).unref();
  }

  /** Undefined when another pod of that name has taken its place. */
  private current(): Pod | undefined {
    const { namespace, name, uid } = this.pod.metadata;
    const found = this.around.store.find(pods, namespace, name);
    return found?.metadata.uid === uid && found ? asPod(found) : undefined;
  }

  private record(event: PodEvent): void {
    if (this.ending !== 'vanished' && !this.node.isLost) this.around.events.record(this.pod, event);
  }
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}
