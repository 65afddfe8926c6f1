import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { alreadyExists, isBeingDeleted, notFound } from './answers';
import { apiVersionOf, timestamp, type KubernetesObject, type Resource } from './objects';

export interface Change {
  readonly version: number;
  readonly resource: Resource;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
  /** How it was before; a watch tells from it whether its selector has begun or ceased to match. */
  readonly previous?: KubernetesObject;
}

const firstVersion = 1_000;
/** As a watch cache does, it forgets the oldest changes; a watch from before them is told 410. */
const maxHistory = 50_000;

/**
 * All objects of the server under one version counter, with the changes that led here. Objects in it are never modified, only
 * replaced.
 */
export class Store {
  private readonly objects = new Map<Resource, Map<string, KubernetesObject>>();
  private readonly listeners = new Set<(change: Change) => void>();
  /** Without gaps: every change has the version after the one before it. */
  private history: Change[] = [];
  private last = firstVersion;

  get version(): number {
    return this.last;
  }

  /** A watch may begin after this version or a later one. */
  get oldestVersion(): number {
    return this.last - this.history.length;
  }

  /** Forgets all changes so far, as an API server that starts again does. */
  compact(): void {
    this.history = [];
  }

  /** Throws 409 when the name is taken, in the two wordings of a real server. */
  create(resource: Resource, given: KubernetesObject): KubernetesObject {
    const { name, namespace } = given.metadata;
    const existing = this.find(resource, namespace, name);
    if (existing?.metadata.deletionTimestamp !== undefined) throw isBeingDeleted(resource, name);
    if (existing) throw alreadyExists(resource, name);
    const object: KubernetesObject = {
      ...given,
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { ...given.metadata, uid: randomUUID(), creationTimestamp: timestamp() },
    };
    return this.write(resource, 'ADDED', object);
  }

  find(resource: Resource, namespace: string | undefined, name: string): KubernetesObject | undefined {
    return this.objects.get(resource)?.get(keyOf(namespace, name));
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubernetesObject {
    const object = this.find(resource, namespace, name);
    if (!object) throw notFound(resource, name);
    return object;
  }

  /** By namespace and name, as a real server orders them. */
  list(resource: Resource, namespace?: string): KubernetesObject[] {
    return [...(this.objects.get(resource)?.entries() ?? [])]
      .filter(([, { metadata }]) => namespace === undefined || metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Puts `next` in the place of the object of that name; what changes nothing makes no new version. */
  replace(resource: Resource, next: KubernetesObject): KubernetesObject {
    const { name, namespace } = next.metadata;
    const previous = this.get(resource, namespace, name);
    if (isDeepStrictEqual(withVersion(next, previous.metadata.resourceVersion ?? ''), previous)) return previous;
    return this.write(resource, 'MODIFIED', next, previous);
  }

  /** Removes it for good; what it was is in the change. */
  remove(resource: Resource, object: KubernetesObject): KubernetesObject {
    const { name, namespace } = object.metadata;
    return this.write(resource, 'DELETED', object, this.get(resource, namespace, name));
  }

  changesAfter(version: number): readonly Change[] {
    return this.history.slice(Math.max(version - this.oldestVersion, 0));
  }

  /** Called with every change in order; answers how to stop that. */
  subscribe(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private write(
    resource: Resource,
    type: Change['type'],
    next: KubernetesObject,
    previous?: KubernetesObject,
  ): KubernetesObject {
    this.last += 1;
    const object = withVersion(next, String(this.last));
    const all = this.objects.get(resource) ?? new Map<string, KubernetesObject>();
    this.objects.set(resource, all);
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    if (type === 'DELETED') all.delete(key);
    else all.set(key, object);
    const change = { version: this.last, resource, type, object, ...(previous && { previous }) };
    this.history.push(change);
    if (this.history.length > maxHistory) this.history = this.history.slice(-maxHistory / 2);
    this.listeners.forEach((listener) => listener(change));
    return object;
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function withVersion(object: KubernetesObject, resourceVersion: string): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}
