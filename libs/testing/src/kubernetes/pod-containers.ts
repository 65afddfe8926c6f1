import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { MissingReference, planContainer, type Image } from './container-plan';
import { ContainerProcess, StartError, type ContainerPlan } from './container-process';
import type { EventRecorder, PodEvent } from './event-recorder';
import { asPod, pods, timestamp, type Container, type ContainerState, type Pod } from './objects';
import { configObstacle, imageObstacle, type Obstacle } from './obstacles';
import type { PodFolder } from './pod-folder';
import { containerCreating } from './pod-status';
import type { Reaper } from './reaper';
import type { StartQueue } from './start-queue';
import type { Store } from './store';

/** What all pods of a server share. */
export interface PodSurroundings {
  readonly store: Store;
  readonly events: EventRecorder;
  readonly reaper: Reaper;
  readonly starts: StartQueue;
  /** How long a second of graces, deadlines and back-offs takes. */
  readonly secondMs: number;
  imageOf(name: string): Image | undefined;
  isMissing(image: string): boolean;
  /** How long a pod takes from its node to its first process. */
  startDelayMs(): number;
}

/** What the containers of a pod tell the pod. */
export interface ContainersOwner {
  /** Aborted when nothing more is to be started. */
  readonly starting: AbortSignal;
  onChange(): void;
  /** One has started although it should not any more: it was under way when that was said. */
  onLateStart(): void;
  record(event: PodEvent): void;
}

const neverStarted = '1970-01-01T00:00:00Z';

/** The containers of one pod: their states as a kubelet sees them, and the processes that they are. */
export class PodContainers {
  readonly states = new Map<string, ContainerState>();
  readonly ids = new Map<string, string>();
  private readonly processes = new Map<string, ContainerProcess>();
  private readonly reports = new Map<string, Promise<void>>();
  private readonly oomKilled = new Set<string>();

  constructor(
    private readonly pod: Pod,
    private readonly folder: PodFolder,
    private readonly around: PodSurroundings,
    private readonly owner: ContainersOwner,
  ) {}

  processOf(container: string): ContainerProcess | undefined {
    return this.processes.get(container);
  }

  exitCodeOf({ name }: Container): number | undefined {
    return this.states.get(name)?.terminated?.exitCode;
  }

  /** Runs it from its first attempt to its end, and resolves when its last state is known. */
  async run(container: Container, podIP: string): Promise<void> {
    await this.start(container, podIP);
    await this.reports.get(container.name);
  }

  /** Tries until nothing stands in the way; a command that does not exist is a state, not an error. */
  async start(container: Container, podIP: string): Promise<void> {
    const plan = await this.planWithoutObstacle(container, podIP);
    const { name, image = '' } = container;
    this.owner.record({ reason: 'Pulled', message: pulledMessage(image), container: name });
    this.owner.record({ reason: 'Created', message: 'Container created', container: name });
    try {
      const { reaper, starts } = this.around;
      const process = await starts.run(() => ContainerProcess.start(plan, reaper), this.owner.starting);
      this.processes.set(name, process);
      this.ids.set(name, process.id);
      this.states.set(name, { running: { startedAt: process.startedAt } });
      this.reports.set(name, this.report(container, process));
      this.owner.record({ reason: 'Started', message: 'Container started', container: name });
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      const { message } = error;
      this.owner.record({ type: 'Warning', reason: 'Failed', message: `Error: ${message}`, container: name });
      this.states.set(name, {
        terminated: { exitCode: 128, reason: 'StartError', message, startedAt: neverStarted, finishedAt: timestamp() },
      });
    }
    if (this.owner.starting.aborted) this.owner.onLateStart();
    this.owner.onChange();
  }

  terminate(): void {
    this.processes.forEach((process, name) => {
      if (!process.isRunning) return;
      this.owner.record({ reason: 'Killing', message: `Stopping container ${name}`, container: name });
      process.terminate();
    });
  }

  killAll(): void {
    this.processes.forEach((process) => process.kill());
  }

  /** As the kernel does it: the processes of the container are killed, and the runtime knows why. */
  oomKill(name: string): void {
    this.oomKilled.add(name);
    this.processes.get(name)?.kill();
  }

  /** Resolves when all that were started have ended, and their last states are known. */
  async whenEnded(): Promise<void> {
    await Promise.all(this.reports.values());
  }

  /** Of an evicted pod: in a first status they look as if they were still to start, then as if nobody knew. */
  forget(state: 'creating' | 'unknown'): void {
    this.ids.clear();
    const forgotten = state === 'creating' ? containerCreating : unknownState;
    this.pod.spec.containers.forEach(({ name }) => this.states.set(name, forgotten));
  }

  private async planWithoutObstacle(container: Container, podIP: string): Promise<ContainerPlan> {
    for (let attempt = 0; ; attempt += 1) {
      const found = this.planOrObstacle(container, podIP, attempt);
      if ('command' in found) return found;
      this.owner.record(found.event);
      for (const { reason, message, seconds } of found.steps) {
        this.states.set(container.name, { waiting: { reason, message } });
        this.owner.onChange();
        await pause(seconds * this.around.secondMs, this.owner.starting);
      }
    }
  }

  private planOrObstacle(container: Container, podIP: string, attempt: number): ContainerPlan | Obstacle {
    const { store, imageOf, isMissing } = this.around;
    const { image = '' } = container;
    const wrong = imageObstacle(container, isMissing(image), attempt);
    if (wrong) return wrong;
    const { namespace, name } = this.pod.metadata;
    const now = asPod(store.get(pods, namespace, name));
    const pod: Pod = { ...now, status: { ...now.status, podIP } };
    try {
      const paths = this.folder.pathsOf(container);
      return planContainer({ pod, container, image: imageOf(image), store }, paths, this.folder.path);
    } catch (error) {
      if (error instanceof MissingReference) return configObstacle(container, error.message);
      throw error;
    }
  }

  private async report(container: Container, process: ContainerProcess): Promise<void> {
    const { name } = container;
    const exitCode = await process.ended;
    const message = this.folder.messageOf(container, exitCode, process.log);
    const reason = this.oomKilled.has(name) ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
    this.states.set(name, {
      terminated: {
        exitCode,
        reason,
        ...(message !== undefined && { message }),
        startedAt: process.startedAt,
        finishedAt: timestamp(),
        containerID: process.id,
      },
    });
    this.owner.onChange();
  }
}

/** Rejects when there is nothing more to wait for. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await (ms > 0 ? wait(ms, undefined, { signal, ref: false }) : turn(undefined, { signal }));
}

const unknownState: ContainerState = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
    startedAt: null,
    finishedAt: null,
  },
};

function pulledMessage(image: string): string {
  return `Container image "${image}" already present on machine and can be accessed by the pod`;
}
