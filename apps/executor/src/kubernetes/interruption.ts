import type { V1Pod, V1PodCondition } from '@kubernetes/client-node';
import type { Failure } from '@ryax/contracts';
import { because, conditionOf, failureOf, specOf, mainContainer, timeMs } from './pod-status';

/** The cluster ends a pod, or has ended it, whatever the action was doing. */
export interface Interruption {
  /** When it began, as far as the pod says. What the action did of itself before counts; what came after does not. */
  readonly sinceMs: number | undefined;
  readonly failure: Failure;
}

/** Reasons of a pod whose kubelet ended it. It may be `Succeeded` with one of them, when its containers took SIGTERM well. */
const ended = new Map([
  ['Evicted', 'The node evicted the pod'],
  ['Terminated', 'The node was shut down'],
  ['Shutdown', 'The node was shut down'],
  ['NodeShutdown', 'The node was shut down'],
  ['Preempting', 'The pod had to make room for a more important one'],
  ['NodeLost', 'The node was lost'],
]);

/** Reasons of the condition DisruptionTarget. */
const disruptions = new Map([
  ['DeletionByTaintManager', 'The node was lost or is being emptied'],
  ['DeletionByPodGC', 'The node is gone'],
  ['EvictionByEvictionAPI', 'The node is being emptied'],
  ['PreemptionByScheduler', 'The pod had to make room for a more important one'],
  ['TerminationByKubelet', 'The node ended the pod'],
]);

/** Says whether the cluster interrupts a pod: its deadline, an eviction, a deletion, a node that is lost. */
export function interruptionOf(pod: V1Pod): Interruption | undefined {
  const reason = pod.status?.reason ?? '';
  if (reason === 'DeadlineExceeded') return deadline(pod);
  const disruption = disruptionOf(pod);
  const sinceMs = interruptedSinceMs(pod, disruption);
  const what = ended.get(reason);
  if (what !== undefined) return { sinceMs, failure: lost(pod, endedMessage(pod, what), reason) };
  if (disruption !== undefined) return { sinceMs, failure: lost(pod, disruptedMessage(disruption), disruption.reason) };
  if (!isBeingDeleted(pod)) return undefined;
  return { sinceMs, failure: lost(pod, 'The pod was deleted from outside, and the attempt with it', undefined) };
}

/** When the grace of a deletion ends, in milliseconds since 1970; undefined for a pod that nobody deletes. */
export function graceEndsMs(pod: V1Pod): number | undefined {
  return timeMs(pod.metadata?.deletionTimestamp);
}

export function lost(pod: V1Pod, message: string, reason: string | undefined): Failure {
  return failureOf(pod, { kind: 'lost', message, details: { reason: reason ?? '' } });
}

function deadline(pod: V1Pod): Interruption {
  const seconds = pod.spec?.activeDeadlineSeconds;
  const startMs = timeMs(pod.status?.startTime);
  const isTimed = typeof seconds === 'number' && startMs !== undefined;
  const message =
    typeof seconds === 'number' ? `The time limit of ${seconds * 1000} ms passed` : 'The time limit passed';
  return {
    sinceMs: isTimed ? startMs + seconds * 1000 : undefined,
    failure: failureOf(pod, { kind: 'timeout', message, details: { reason: 'DeadlineExceeded' } }),
  };
}

/**
 * A mark alone does not end a pod: it is set before the deletion, which may not come. The kubelet's own mark comes with
 * the end, also where the containers took SIGTERM so well that the pod looks as if it had succeeded.
 */
function disruptionOf(pod: V1Pod): V1PodCondition | undefined {
  const condition = conditionOf(pod, 'DisruptionTarget');
  if (condition?.status !== 'True') return undefined;
  const isDone = pod.status?.phase === 'Failed' || condition.reason === 'TerminationByKubelet';
  return isDone || isBeingDeleted(pod) ? condition : undefined;
}

function isBeingDeleted(pod: V1Pod): boolean {
  return graceEndsMs(pod) !== undefined;
}

/** Others mark a pod before they delete it, and the deletion brings SIGTERM. The kubelet needs none. */
function interruptedSinceMs(pod: V1Pod, disruption: V1PodCondition | undefined): number | undefined {
  const markedMs = timeMs(disruption?.lastTransitionTime);
  const deletedMs = deletionRequestedMs(pod);
  if (disruption?.reason !== 'TerminationByKubelet' || markedMs === undefined) return deletedMs ?? markedMs;
  return Math.min(markedMs, deletedMs ?? Infinity);
}

/** The timestamp of a deletion is the end of its grace, and moves with it when the grace is shortened. */
function deletionRequestedMs(pod: V1Pod): number | undefined {
  const endsMs = graceEndsMs(pod);
  return endsMs === undefined ? undefined : endsMs - (pod.metadata?.deletionGracePeriodSeconds ?? 0) * 1000;
}

function endedMessage(pod: V1Pod, what: string): string {
  const said = because(what, pod.status?.message);
  const storage = specOf(pod, mainContainer)?.resources?.limits?.['ephemeral-storage'];
  // Another attempt meets the same limit: the user can do more about it than the cluster.
  if (storage === undefined || !/ephemeral|emptyDir/i.test(said)) return said;
  return `${said}. The action may keep ${storage} on the node's disk: let it write less, or give it more`;
}

function disruptedMessage({ reason, message }: V1PodCondition): string {
  return because(disruptions.get(reason ?? '') ?? 'The cluster ended the pod', message);
}
