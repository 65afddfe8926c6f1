import type { V1ContainerState, V1Pod, V1PodCondition, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { recordedPods } from './recorded';

/**
 * States that were measured on a real cluster but not recorded: recorded pods with what changes. Times are texts, as in a
 * watch; second 0 is when the recorded pods began to run.
 */
export function second(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 23, 9, 29, 4 + seconds)).toISOString().replace('.000Z', 'Z');
}

/** The pod `ok` in the state in which its command runs. */
export function runningPod(): V1Pod {
  const seen = recordedPods('ok').find(({ object }) => object.status?.containerStatuses?.[0]?.state?.running);
  if (seen === undefined) throw new Error('No running pod was recorded');
  return seen.object;
}

export function withStatus(pod: V1Pod, status: Partial<V1PodStatus>): V1Pod {
  return changed(pod, { status: changed(pod.status, status) });
}

export function withSpec(pod: V1Pod, spec: Partial<V1PodSpec>): V1Pod {
  return changed(pod, { spec: changed(pod.spec, spec) });
}

export function withMain(pod: V1Pod, state: unknown, status: Partial<V1PodStatus> = {}): V1Pod {
  const [main] = pod.status?.containerStatuses ?? [];
  if (main === undefined) throw new Error('The pod has no container');
  return withStatus(pod, { containerStatuses: [changed(main, { state: state as V1ContainerState })], ...status });
}

export function terminated(exitCode: number, atSecond: number, reason = exitCode === 0 ? 'Completed' : 'Error') {
  return { terminated: { exitCode, reason, startedAt: second(0), finishedAt: second(atSecond) } };
}

/** A deletion that was asked for at this second. */
export function deleting(pod: V1Pod, atSecond: number, graceSeconds: number): V1Pod {
  const deletionTimestamp = second(atSecond + graceSeconds) as unknown as Date;
  return changed(pod, {
    metadata: changed(pod.metadata, { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds }),
  });
}

export function withCondition(pod: V1Pod, type: string, status: string, reason?: string, atSecond = 10): V1Pod {
  const condition = { type, status, reason, lastTransitionTime: second(atSecond) } as unknown as V1PodCondition;
  const others = pod.status?.conditions?.filter((other) => other.type !== type) ?? [];
  return withStatus(pod, { conditions: [...others, condition] });
}

/** A copy with other fields. (The client library's types are classes, of which no spread is allowed.) */
function changed<T extends object>(object: T | undefined, fields: Partial<T>): T {
  return Object.assign<object, T | undefined, Partial<T>>({}, object, fields);
}
