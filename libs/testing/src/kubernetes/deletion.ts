import { otherUid, otherVersion, success, type Status } from './answers';
import { asPod, isFinished, pods, timestamp, type KubernetesObject, type Resource } from './objects';
import type { Store } from './store';

/** What the body or the query of a deletion may say. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: string;
}

const defaultGraceSeconds = 30;

/**
 * Deletes as an API server does: a pod on a node is only marked, and goes when its kubelet has said that it has ended. Answers the
 * object where it is a pod, else a Status. Throws 404, or 409 where a precondition does not hold.
 */
export function deleteObject(
  store: Store,
  resource: Resource,
  object: KubernetesObject,
  options: DeleteOptions,
): KubernetesObject | Status {
  checkPreconditions(resource, object, options);
  const { metadata } = object;
  const graceSeconds = graceOf(resource, object, options);
  const isMarked = metadata.deletionTimestamp !== undefined;
  if (graceSeconds === 0) {
    const removed = removeOrKeep(store, resource, isMarked ? object : mark(store, resource, object, 0, false));
    return resource === pods ? removed : success(resource, metadata.name, metadata.uid);
  }
  // A second deletion may only shorten the grace.
  if (isMarked && graceSeconds >= (metadata.deletionGracePeriodSeconds ?? 0)) return object;
  return mark(store, resource, object, graceSeconds, true);
}

/** The node has nothing left of it: grace 0, and gone unless a finalizer keeps it. */
export function confirmDeletion(store: Store, resource: Resource, object: KubernetesObject): void {
  removeOrKeep(store, resource, mark(store, resource, object, 0, true));
}

/** To be called when finalizers have been taken away from an object. */
export function removeIfReleased(store: Store, resource: Resource, object: KubernetesObject): KubernetesObject {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = object.metadata;
  const isDone = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
  return isDone ? store.remove(resource, object) : object;
}

function removeOrKeep(store: Store, resource: Resource, object: KubernetesObject): KubernetesObject {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  if (finalizers.length === 0) return store.remove(resource, object);
  return deletionTimestamp === undefined ? mark(store, resource, object, 0, true) : object;
}

function mark(
  store: Store,
  resource: Resource,
  object: KubernetesObject,
  graceSeconds: number,
  isKept: boolean,
): KubernetesObject {
  const { generation } = object.metadata;
  const isFirst = object.metadata.deletionTimestamp === undefined;
  // What goes at once is never seen as marked.
  if (!isKept && (object.metadata.finalizers ?? []).length === 0) return object;
  return store.replace(resource, {
    ...object,
    metadata: {
      ...object.metadata,
      ...(generation !== undefined && isFirst && { generation: generation + 1 }),
      deletionTimestamp: timestamp(Date.now() + graceSeconds * 1_000),
      deletionGracePeriodSeconds: graceSeconds,
    },
  });
}

function graceOf(resource: Resource, object: KubernetesObject, { gracePeriodSeconds }: DeleteOptions): number {
  if (resource !== pods) return 0;
  const pod = asPod(object);
  if (pod.spec.nodeName === undefined || isFinished(pod)) return 0;
  return gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
}

function checkPreconditions(
  resource: Resource,
  { metadata: { name, uid = '', resourceVersion = '' } }: KubernetesObject,
  { preconditions = {} }: DeleteOptions,
): void {
  const { uid: askedUid, resourceVersion: askedVersion } = preconditions;
  if (askedUid !== undefined && askedUid !== uid) throw otherUid(resource, name, askedUid, uid);
  if (askedVersion !== undefined && askedVersion !== resourceVersion) {
    throw otherVersion(resource, name, askedVersion, resourceVersion);
  }
}
