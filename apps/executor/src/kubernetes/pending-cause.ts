import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@ryax/contracts';
import { imageAdvice, isVague } from './image-pull';
import { because, failureOf, specOf, timeMs } from './pod-status';
import { waitOf, type Wait } from './pod-wait';

/**
 * The failure of a pod that has waited for longer than anyone has patience. The cause is what the cluster said last:
 * in a container's state, in the condition PodScheduled, or in the pod's warnings (`events`, in any order; those of other
 * pods are passed over). Pure and total.
 */
export function pendingFailure(pod: V1Pod, events: readonly CoreV1Event[], waitedMs: number): Failure {
  const wait = waitOf(pod);
  const warnings = newestWarnings(pod, events);
  const after = `after ${Math.round(waitedMs / 1000)} s`;
  switch (wait.for) {
    case 'image':
      return imageFailure(pod, wait, warnings, after);
    case 'config':
      return configFailure(pod, wait, after);
    case 'node':
      return nodeFailure(pod, wait, warnings, after);
    case 'inputs':
    case 'containers':
      return containersFailure(pod, wait, warnings, after);
    default:
      return wait.for satisfies never;
  }
}

function imageFailure(pod: V1Pod, wait: Wait, warnings: readonly CoreV1Event[], after: string): Failure {
  const image = specOf(pod, wait.container)?.image ?? 'of the action';
  const pull = warnings.find(({ message }) => message?.startsWith('Failed to pull image'));
  const cause = isVague(wait.message) ? (pull?.message ?? wait.message) : wait.message;
  const said = because(`The image ${image} cannot be had ${after}`, cause || wait.reason);
  const message = `${said}. ${imageAdvice(wait.reason, cause, pullSecretsOf(pod))}`;
  return failureOf(pod, { kind: 'image', message, details: { image, container: wait.container, reason: wait.reason } });
}

function pullSecretsOf(pod: V1Pod): string {
  const secrets = pod.spec?.imagePullSecrets?.map(({ name }) => name ?? '').filter((name) => name !== '') ?? [];
  return secrets.length === 0 ? 'none is set' : secrets.join(', ');
}

function configFailure(pod: V1Pod, wait: Wait, after: string): Failure {
  const said = because(`The container ${wait.container} cannot be made ${after}`, wait.message || wait.reason);
  const message = `${said}. ${absenceAdvice(pod, wait.message)}`;
  return failureOf(pod, { kind: 'rejected', message, details: { container: wait.container, reason: wait.reason } });
}

function nodeFailure(pod: V1Pod, wait: Wait, warnings: readonly CoreV1Event[], after: string): Failure {
  const cause = wait.message || warnings.find(({ reason }) => reason === 'FailedScheduling')?.message;
  const isSeen = Boolean(cause) || wait.reason !== '';
  const said = because(`No node has taken the pod ${after}`, cause || wait.reason || 'no scheduler has looked at it');
  const advice = isSeen ? `It asks for ${askedBy(pod)}: ask for less, or make room` : 'Check its schedulerName';
  const details = { reason: wait.reason };
  return failureOf(pod, { kind: 'rejected', message: `${said}. ${advice}`, details });
}

/** Warnings about what a node, not the action, lacks: another node may well have it. */
const troublesOfNodes = ['FailedCreatePodSandBox', 'NetworkNotReady', 'NodeNotReady'];

function containersFailure(pod: V1Pod, wait: Wait, warnings: readonly CoreV1Event[], after: string): Failure {
  const warning = warnings.find(({ reason }) => !isHarmless(reason));
  if (warning === undefined) {
    const message = `The pod has not started ${after}, and the cluster does not say why; look at its node`;
    return failureOf(pod, { kind: 'lost', message, details: { reason: wait.reason } });
  }
  const reason = warning.reason ?? '';
  const said = because(`The pod cannot start ${after}`, warning.message || reason);
  const details = { reason };
  if (troublesOfNodes.includes(reason)) return failureOf(pod, { kind: 'lost', message: said, details });
  const message = `${said}. ${absenceAdvice(pod, warning.message ?? '')}`;
  return failureOf(pod, { kind: 'rejected', message, details });
}

/** `secret "nope" not found`, `configmap "nope" not found`, `persistentvolumeclaim "nope" not found` */
function absenceAdvice(pod: V1Pod, cause: string): string {
  const [, kind, name] = /(secret|configmap|persistentvolumeclaim) "([^"]+)" not found/.exec(cause) ?? [];
  if (kind === undefined || name === undefined) return 'Check what the pod template asks for';
  return `Create the ${kind} ${name} in the namespace ${pod.metadata?.namespace ?? 'of the pod'}, or do not ask for it`;
}

function askedBy(pod: V1Pod): string {
  const asked = pod.spec?.containers?.flatMap(({ resources }) => Object.entries(resources?.requests ?? {})) ?? [];
  const amounts = asked.map(([resource, amount]) => `${resource} ${amount}`);
  return amounts.length === 0 ? 'no resources, but perhaps for certain nodes' : amounts.join(', ');
}

/** Comes with every pod of a cluster that is set up so, and holds up none. */
function isHarmless(reason: string | undefined): boolean {
  return ['MissingClusterDNS', 'DNSConfigForming', 'FailedScheduling', 'Unhealthy'].includes(reason ?? '');
}

function newestWarnings(pod: V1Pod, events: readonly CoreV1Event[]): readonly CoreV1Event[] {
  const uid = pod.metadata?.uid;
  return events
    .filter(
      ({ type, involvedObject }) => type === 'Warning' && (!uid || !involvedObject?.uid || involvedObject.uid === uid),
    )
    .map((event) => ({ event, ms: lastSeenMs(event) }))
    .sort((one, other) => other.ms - one.ms)
    .map(({ event }) => event);
}

/** Each component of the cluster keeps the time of an event in another field. */
function lastSeenMs({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: CoreV1Event): number {
  const times: unknown[] = [
    series?.lastObservedTime,
    lastTimestamp,
    eventTime,
    firstTimestamp,
    metadata?.creationTimestamp,
  ];
  return times.map(timeMs).find((ms) => ms !== undefined) ?? 0;
}
