import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node';
import type { Failure, JsonObject } from '@ryax/contracts';
import { describeExit } from '../process/process-group';
import { ownContainers } from './command/files-containers';
import { graceEndsMs, interruptionOf, lost, type Interruption } from './interruption';
import { bytesOf } from './pod-resources';
import { because, failureOf, mainContainer, specOf, statusOfMain, timeMs } from './pod-status';
import { waitOf, type Wait } from './pod-wait';

/** What a pod means for the attempt that it runs. */
export type PodOutcome =
  | { readonly status: 'waiting'; readonly wait: Wait }
  /** Also on a node that has fallen silent: the pod may still end well, and only a clock can give it up. */
  | { readonly status: 'running' }
  /**
   * Is being deleted, and its containers have not ended as far as is known. It becomes this failure; when nothing more is
   * heard by `graceEndsMs` (since 1970), for which a lost node is enough, nothing more will be.
   */
  | { readonly status: 'stopping'; readonly graceEndsMs: number; readonly failure: Failure }
  /** `terminationMessage` is what the action left for its small outputs; empty if it left nothing. */
  | { readonly status: 'succeeded'; readonly terminationMessage: string }
  | { readonly status: 'failed'; readonly failure: Failure };

/**
 * Reads the outcome from a pod as it was listed or watched. Pure and total; docs/kubernetes.md has the table.
 *
 * The end of the action's container decides, about a second before the pod's phase does, and where a sidecar stays for
 * ever it is all there is. Nothing is lost by it: the termination message stands in the same state, and the log can be
 * read until the pod is deleted. An end that came after the cluster began to interrupt the pod is the answer to SIGTERM,
 * also with status 0, and does not count.
 *
 * The first outcome that is `succeeded` or `failed` is the attempt's. A later one can only differ where a pod that had
 * ended was then interrupted within the same second, or evicted without a time.
 */
export function podOutcome(pod: V1Pod): PodOutcome {
  const interruption = interruptionOf(pod);
  const end = decisiveEnd(pod);
  if (end !== undefined) return outcomeOfEnd(pod, end, interruption);
  switch (pod.status?.phase) {
    case 'Succeeded':
      return interruption === undefined
        ? { status: 'succeeded', terminationMessage: '' }
        : failed(interruption.failure);
    case 'Failed':
      return failed(interruption?.failure ?? unexplained(pod));
    default:
      return outcomeBeforeEnd(pod, interruption);
  }
}

/** The outcome of a pod that exists no more, from the last that is known of it: undefined if that is nothing. */
export function gonePodOutcome(last: V1Pod | undefined): PodOutcome {
  if (last === undefined) return failed({ kind: 'lost', message: 'The pod was deleted before its end was seen' });
  const outcome = podOutcome(last);
  switch (outcome.status) {
    case 'succeeded':
    case 'failed':
      return outcome;
    case 'stopping':
      return failed(outcome.failure);
    case 'running':
      return failed(lost(last, 'The pod was deleted from outside while it was running', undefined));
    case 'waiting':
      return failed(lost(last, 'The pod was deleted from outside before it had started', undefined));
    default:
      return outcome satisfies never;
  }
}

/** The end of the action's container, or of one that had to succeed before it and did not. */
interface End {
  readonly container: string;
  readonly terminated: V1ContainerStateTerminated;
}

function decisiveEnd(pod: V1Pod): End | undefined {
  const main = statusOfMain(pod)?.state?.terminated;
  if (main) return { container: mainContainer, terminated: main };
  for (const { name, state } of pod.status?.initContainerStatuses ?? []) {
    // A sidecar is an init container that is always restarted: it may end as it likes.
    const isSidecar = specOf(pod, name)?.restartPolicy === 'Always';
    if (state?.terminated && state.terminated.exitCode !== 0 && !isSidecar) {
      return { container: name, terminated: state.terminated };
    }
  }
  return undefined;
}

function outcomeOfEnd(pod: V1Pod, end: End, interruption: Interruption | undefined): PodOutcome {
  const { terminated } = end;
  if (interruption !== undefined && !tellsMore(terminated, interruption)) return failed(interruption.failure);
  if (isUnknown(terminated)) {
    return failed(lost(pod, because('The node lost sight of the container', terminated.message), terminated.reason));
  }
  if (terminated.exitCode !== 0) return failed(failureOfEnd(pod, end));
  return { status: 'succeeded', terminationMessage: terminated.message ?? '' };
}

/** Whether the container ended of itself. Times are whole seconds: within the same one it rather answered SIGTERM. */
function tellsMore(terminated: V1ContainerStateTerminated, { sinceMs }: Interruption): boolean {
  const endedMs = timeMs(terminated.finishedAt);
  return isOutOfMemory(terminated) || (endedMs !== undefined && sinceMs !== undefined && endedMs < sinceMs);
}

/** The kubelet or the container runtime makes these up, with a status, when a container is not to be found. */
function isUnknown({ reason }: V1ContainerStateTerminated): boolean {
  return reason === 'ContainerStatusUnknown' || reason === 'Unknown';
}

/** With status 0 it was a child that was killed, and the action knows what it does. */
function isOutOfMemory({ reason, exitCode }: V1ContainerStateTerminated): boolean {
  return reason === 'OOMKilled' && exitCode !== 0;
}

function failureOfEnd(pod: V1Pod, { container, terminated }: End): Failure {
  const { exitCode, reason, message } = terminated;
  const isMain = container === mainContainer;
  const who = isMain ? 'The command' : `The init container ${container}, before which the action cannot start,`;
  const details = { container, reason: reason ?? '', exitCode };
  if (ownContainers.includes(container)) return ownFailure(pod, { container, terminated }, details);
  if (isOutOfMemory(terminated)) {
    const had = bytesOf(specOf(pod, container)?.resources?.limits?.memory);
    const known = had === undefined ? details : { ...details, memory_bytes: had };
    return failureOf(pod, { kind: 'out-of-memory', message: outOfMemoryMessage(pod, container), details: known });
  }
  if (reason === 'StartError' || reason === 'ContainerCannotRun') {
    return failureOf(pod, { kind: 'crash', message: because(`${who} could not be started`, message), details });
  }
  if (!Number.isInteger(exitCode))
    return failureOf(pod, { kind: 'crash', message: because(`${who} failed`, message), details });
  const exit = describeExit({ status: 'exited', code: exitCode });
  return failureOf(pod, { kind: 'crash', message: because(`${who} ${exit}`, message), code: exitCode, details });
}

/** Of a container of ours: neither the action nor its memory has anything to do with it. */
function ownFailure(pod: V1Pod, { container, terminated }: End, details: JsonObject): Failure {
  const { exitCode, reason, message } = terminated;
  const how = isOutOfMemory(terminated) ? 'ran out of memory' : `ended with status ${exitCode}`;
  const what = because(`The container ${container}, which brings the files of the command, ${how}`, message || reason);
  const advice = "If that happens again, look at the site's filesImage and the memory of its nodes";
  return failureOf(pod, { kind: 'lost', message: `${what}. ${advice}`, details });
}

function outOfMemoryMessage(pod: V1Pod, container: string): string {
  const limit = specOf(pod, container)?.resources?.limits?.memory;
  return limit === undefined
    ? `Killed because its node ran out of memory (container ${container}); declare how much memory the action takes`
    : `Took more than the ${limit} of memory that the container ${container} may; give the action more memory`;
}

/** Failed without an end of the action: a node that would not admit the pod, or a status that got lost. */
function unexplained(pod: V1Pod): Failure {
  const { reason, message } = pod.status ?? {};
  const said = because(`The node failed the pod${reason ? ` (${reason})` : ''}`, message);
  return lost(pod, reason || message ? said : 'The pod failed, and the cluster does not say why', reason);
}

function outcomeBeforeEnd(pod: V1Pod, interruption: Interruption | undefined): PodOutcome {
  const endsMs = graceEndsMs(pod);
  if (interruption !== undefined && endsMs !== undefined) {
    return { status: 'stopping', graceEndsMs: endsMs, failure: interruption.failure };
  }
  const state = statusOfMain(pod)?.state;
  const isStarted = state?.running || (!state?.waiting && ['Running', 'Unknown'].includes(pod.status?.phase ?? ''));
  return isStarted ? { status: 'running' } : { status: 'waiting', wait: waitOf(pod) };
}

function failed(failure: Failure): PodOutcome {
  return { status: 'failed', failure };
}
