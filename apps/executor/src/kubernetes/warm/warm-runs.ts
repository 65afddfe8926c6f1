import type { Owner } from '@ryax/platform';
import { podName, type PodIdentity } from '../pod-name';
import type { Condition, Running, WarmPod } from './warm-pod';

/** What becomes of the pods. */
export interface PodFates {
  /** Its attempt has ended, and the outcome is not with the broker yet. */
  readonly reports: (pod: WarmPod) => void;
  /** The next attempt may have it. */
  readonly isFree: (pod: WarmPod) => void;
  /** It serves no more, and stays until the outcome is in the log. */
  readonly isLost: (pod: WarmPod) => void;
  /** It serves no more. */
  readonly isSick: (pod: WarmPod) => void;
  /** It is another executor's. */
  readonly isLeft: (pod: WarmPod) => void;
  readonly isOurs: (pod: WarmPod) => boolean;
  readonly isBusy: (pod: WarmPod) => boolean;
}

/** An attempt in its pod, until its outcome is in the log. */
interface Run {
  readonly pod: WarmPod;
  readonly identity: PodIdentity;
  /** Its outcome is with the broker: a successor does not need the pod to have it. */
  isReported: boolean;
  isSettled: boolean;
  /** How the pod has come out of it; undefined as long as it runs. */
  condition: Exclude<Condition, 'left'> | undefined;
}

/** The attempts in warm pods, and how their pods go on after them. */
export class WarmRuns {
  private readonly runs = new Map<string, Run>();

  constructor(
    private readonly owner: Owner,
    private readonly fates: PodFates,
  ) {}

  follow(pod: WarmPod, { project, runId, execution, attempt }: PodIdentity, running: Running): void {
    const identity = { project, runId, execution, attempt };
    const id = podName(identity);
    const run: Run = { pod, identity, isReported: false, isSettled: false, condition: undefined };
    this.runs.set(id, run);
    this.owner.run(`follow pod ${pod.name}`, async () => {
      const condition = await running.condition;
      if (condition === 'left') {
        this.runs.delete(id);
        return this.fates.isLeft(pod);
      }
      run.condition = condition;
      if (condition === 'sick') this.fates.isLost(pod);
      else this.fates.reports(pod);
      this.goOnAfter(run);
      this.tidyUpAfter(run);
    });
  }

  /** May be said more than once. */
  reported(attempt: PodIdentity): void {
    const run = this.runs.get(podName(attempt));
    if (run === undefined || run.isReported) return;
    run.isReported = true;
    this.goOnAfter(run);
  }

  settled(attempt: PodIdentity): void {
    this.reported(attempt);
    const run = this.runs.get(podName(attempt));
    if (run === undefined) return;
    run.isSettled = true;
    this.tidyUpAfter(run);
  }

  /** The pod was removed: what it has had, and nobody has settled, is not waited for any more. */
  forget(pod: WarmPod): void {
    for (const [id, run] of this.runs) if (run.pod === pod) this.runs.delete(id);
  }

  private goOnAfter({ pod, isReported, condition }: Run): void {
    if (!isReported) return;
    if (condition === 'sound') this.fates.isFree(pod);
    if (condition !== 'doubtful') return;
    this.owner.run(`look after pod ${pod.name}`, async () => {
      const status = await pod.status();
      if (!this.fates.isOurs(pod)) return;
      if (status === 'ready' || status === 'loading') this.fates.isFree(pod);
      else this.fates.isSick(pod);
    });
  }

  private tidyUpAfter({ pod, identity, isSettled, condition }: Run): void {
    if (!isSettled || condition === undefined) return;
    this.runs.delete(podName(identity));
    if (condition === 'sick') return pod.discard();
    this.owner.run(`settle in pod ${pod.name}`, async () => {
      const isReached = await pod.settle(identity);
      // What runs there by now will tell.
      if (!isReached && this.fates.isOurs(pod) && !this.fates.isBusy(pod)) this.fates.isSick(pod);
    });
  }
}
