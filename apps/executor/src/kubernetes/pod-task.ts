import type { V1Pod } from '@kubernetes/client-node';
import type { Outcome } from '@ryax/contracts';
import type { FinalOutcome } from './pod-step';

/** How the outcome of an attempt comes out of its pod. */
export interface PodTask {
  /** The pod to be created, without what says whose it is. Rejects with an AttemptFailure where none can be made. */
  pod(): Promise<V1Pod>;
  /** The pod as the server has it: another executor may have created it. */
  created(pod: V1Pod): void;
  /** Its container has yet to start. Said again with all that is heard of it. */
  waits?(pod: V1Pod): void;
  /** When its container must have started, where the task knows better than the site's patience. Of the monotonic clock. */
  readonly startsByMs?: number | undefined;
  /** The action's own work is done, and only its outputs are yet to be stored: no limit of its time ends it any more. */
  readonly isWorkOver?: boolean;
  /** Its container runs. Said again with all that is heard of it. */
  runs(pod: V1Pod): void;
  /** What it has come to although its pod goes on; undefined as long as, or as soon as, only the pod's end can tell. */
  readonly result: Outcome | undefined;
  /** So long it may take until it is heard what a pod has come to in which it was begun by another executor: until then its time is not over. */
  readonly hearingMs: number;
  /** What it has come to by its pod's end, its log complete. May reject with an AttemptFailure. */
  outcomeAt(end: PodEnd): Promise<Outcome>;
  /** Lets go of it, where it is, within a moment. */
  leave(): Promise<void>;
}

export interface PodEnd {
  readonly final: FinalOutcome;
  readonly hasRun: boolean;
  /** By now. */
  readonly isGone: () => boolean;
  /** Aborted when nobody wants its outcome any more. */
  readonly stopped: AbortSignal;
}
