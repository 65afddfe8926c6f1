import type { V1Container, V1ContainerStatus, V1Pod, V1PodCondition } from '@kubernetes/client-node';
import type { Failure, JsonObject } from '@ryax/contracts';
import { shorten } from '../process/attempt-failure';

/** The container of a pod that runs the action; its end is the attempt's. Others are there to serve it. */
export const mainContainer = 'main';

/** A message stands in events and lists; the whole story is in the log and in the cluster's events. */
const messageLength = 2_000;

export function statusOfMain(pod: V1Pod): V1ContainerStatus | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === mainContainer);
}

/** Whether the action's own container runs, or has ended. */
export function hasBegun(pod: V1Pod): boolean {
  const state = statusOfMain(pod)?.state;
  return state?.running !== undefined || state?.terminated !== undefined;
}

/** What was asked for under this name, be it an init container or another. */
export function specOf(pod: V1Pod, container: string): V1Container | undefined {
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return all.find(({ name }) => name === container);
}

export function conditionOf(pod: V1Pod, type: string): V1PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** Milliseconds since 1970. The client library makes dates of a list's times, and a watch's lines have text. */
export function timeMs(time: unknown): number | undefined {
  const isTime = time instanceof Date || typeof time === 'string';
  const ms = isTime ? new Date(time).getTime() : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** A failure that names its pod and node, so that whoever reads it can look there. Empty details are left out. */
export function failureOf(pod: V1Pod, failure: Failure): Failure {
  const details: Record<string, JsonObject[string] | undefined> = {
    pod: pod.metadata?.name,
    node: pod.spec?.nodeName,
    ...failure.details,
  };
  const known = Object.entries(details).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return {
    ...failure,
    message: shorten(failure.message, messageLength),
    details: Object.fromEntries(known) as JsonObject,
  };
}

/** Puts what the cluster said behind what we say: `Deleted: why`. The cluster's own end of sentence is dropped. */
export function because(what: string, why: string | undefined | null): string {
  const reason = (why ?? '').trim().replace(/\.$/, '');
  return reason === '' ? what : `${what}: ${reason}`;
}
