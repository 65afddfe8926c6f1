import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { inputsContainer, statusOfInputs } from './command/files-containers';
import { conditionOf, mainContainer, statusOfMain } from './pod-status';

/**
 * What a pod that has not started waits for:
 *
 * - `node`: none was found yet that takes it;
 * - `image`: the pull of an image is refused or tried again;
 * - `config`: a container cannot be made of what the pod says, such as a secret that does not exist;
 * - `inputs`: files of the attempt are being brought; whoever brings them knows for how long;
 * - `containers`: all that comes between; a volume that cannot be mounted looks like this too, for ever.
 */
export interface Wait {
  readonly for: 'node' | 'image' | 'config' | 'inputs' | 'containers';
  /** The container that waits; the action's own unless another holds it up. */
  readonly container: string;
  /** The cluster's word, such as `ImagePullBackOff`; empty where it says none. */
  readonly reason: string;
  readonly message: string;
}

/** What a pod waits for that has neither started nor ended. */
export function waitOf(pod: V1Pod): Wait {
  const { status } = pod;
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  // No container has a state before a node has the pod.
  if (statuses.length === 0 && !pod.spec?.nodeName) return waitForNode(pod);
  const inputs = statusOfInputs(pod)?.state?.running;
  if (inputs) return { for: 'inputs', container: inputsContainer, reason: '', message: '' };
  const held = statuses.find(isHeld) ?? statusOfMain(pod);
  const reason = held?.state?.waiting?.reason ?? '';
  return {
    for: isProgress(reason) ? 'containers' : isAboutImage(reason) ? 'image' : 'config',
    container: held?.name ?? mainContainer,
    reason,
    message: held?.state?.waiting?.message ?? '',
  };
}

/** No node has room for it, as the scheduler says, or none that it may have. */
export function isUnschedulable(pod: V1Pod): boolean {
  if (pod.metadata?.deletionTimestamp !== undefined) return false;
  const wait = waitOf(pod);
  return wait.for === 'node' && wait.reason === 'Unschedulable';
}

function waitForNode(pod: V1Pod): Wait {
  const scheduled = conditionOf(pod, 'PodScheduled');
  return {
    for: 'node',
    container: mainContainer,
    reason: scheduled?.reason ?? '',
    message: scheduled?.message ?? '',
  };
}

function isHeld({ state }: V1ContainerStatus): boolean {
  return !isProgress(state?.waiting?.reason ?? '');
}

/** A container that waits its turn says the same as one whose volume cannot be mounted. */
function isProgress(reason: string): boolean {
  return ['', 'ContainerCreating', 'PodInitializing'].includes(reason);
}

/** ErrImagePull, ErrImageNeverPull, ImagePullBackOff, ImageInspectError, … */
function isAboutImage(reason: string): boolean {
  return /^(Err)?Image|^(InvalidImageName|RegistryUnavailable|SignatureValidationFailed)$/.test(reason);
}
