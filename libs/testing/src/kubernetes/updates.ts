import { isDeepStrictEqual } from 'node:util';
import { badRequest, invalid, modifiedMeanwhile, otherObject, unprocessable, unsupportedMediaType } from './answers';
import { removeIfReleased } from './deletion';
import { withEncodedData } from './key-values';
import { asPod, pods, secrets, type KubernetesObject, type Resource } from './objects';
import type { Store } from './store';

export type Part = 'object' | 'status';

/** PUT: the whole object, or its status. Throws 409 when it was made from an older version. */
export function putObject(
  store: Store,
  resource: Resource,
  old: KubernetesObject,
  given: KubernetesObject,
  part: Part,
): KubernetesObject {
  const { name, uid, resourceVersion } = given.metadata;
  if (uid !== undefined && uid !== old.metadata.uid) throw otherObject(resource, name, uid, old.metadata.uid ?? '');
  if (name !== old.metadata.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${old.metadata.name})`);
  }
  if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
    throw modifiedMeanwhile(resource, name);
  }
  const next = part === 'status' ? withStatus(old, given) : withoutStatus(old, given);
  if (resource === pods && part === 'object') checkSpec(old, next);
  const { generation } = old.metadata;
  const isOtherSpec = generation !== undefined && !isDeepStrictEqual(old['spec'], next['spec']);
  const metadata = { ...next.metadata, ...(isOtherSpec && { generation: generation + 1 }) };
  return removeIfReleased(store, resource, store.replace(resource, { ...next, metadata }));
}

/**
 * PATCH, by its content type: merge patch, JSON patch; a strategic one is taken for a merge patch. A version that it names has to be
 * the present one, else 409; a uid likewise, and what a `test` says, else 422.
 */
export function patchObject(
  store: Store,
  resource: Resource,
  old: KubernetesObject,
  { contentType, body, part }: { contentType: string; body: unknown; part: Part },
): KubernetesObject {
  const patched = applyPatch(old, contentType, body) as KubernetesObject;
  const { name, uid } = patched.metadata;
  if (uid !== undefined && uid !== old.metadata.uid) {
    const message = `Invalid value: "${uid}": field is immutable`;
    throw invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field: 'metadata.uid' }]);
  }
  return putObject(store, resource, old, patched, part);
}

function applyPatch(old: KubernetesObject, contentType: string, body: unknown): unknown {
  switch (contentType.split(';')[0]?.trim()) {
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
      return mergePatch(old, body);
    case 'application/json-patch+json':
      // Not structuredClone: Jest has its objects made in another realm, so that they equal no others.
      return (body as JsonPatchStep[]).reduce<unknown>(applyStep, JSON.parse(JSON.stringify(old)));
    default:
      throw unsupportedMediaType();
  }
}

/** RFC 7396: null takes a field away. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, key);
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

interface JsonPatchStep {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902 without move and copy. What is not there cannot be replaced or removed. */
function applyStep(document: unknown, { op, path, value }: JsonPatchStep): unknown {
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  let parent = document as Record<string, unknown> | unknown[] | undefined;
  for (const key of keys) parent = (parent as Record<string, unknown> | undefined)?.[key] as typeof parent;
  if (parent === undefined) throw unprocessable();
  if (op === 'test') {
    const found = (parent as Record<string, unknown>)[last];
    if (isDeepStrictEqual(found, value)) return document;
    throw unprocessable();
  }
  if ((op === 'replace' || op === 'remove') && !Object.hasOwn(parent, last)) throw unprocessable();
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    parent.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
  } else if (op === 'remove') Reflect.deleteProperty(parent, last);
  else parent[last] = value;
  return document;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withStatus(old: KubernetesObject, given: KubernetesObject): KubernetesObject {
  return { ...old, status: given['status'] };
}

/** Who it is and since when, how it goes and whether it is being deleted are not the client's to say. */
function withoutStatus(resourceOld: KubernetesObject, given: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata: old } = resourceOld;
  const { deletionTimestamp, deletionGracePeriodSeconds, generation, uid, creationTimestamp } = old;
  const next = kind === secrets.kind ? withEncodedData(given) : given;
  return {
    ...next,
    ...(apiVersion !== undefined && { apiVersion }),
    ...(kind !== undefined && { kind }),
    metadata: {
      ...next.metadata,
      ...(old.namespace !== undefined && { namespace: old.namespace }),
      ...(uid !== undefined && { uid }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      ...(generation !== undefined && { generation }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
    },
    ...('status' in resourceOld && { status: resourceOld['status'] }),
  };
}

const mayChange =
  'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function checkSpec(old: KubernetesObject, next: KubernetesObject): void {
  const fixed = ({ spec }: KubernetesObject & { spec?: unknown }) => {
    const { containers, initContainers, ...rest } = asPod({ spec } as unknown as KubernetesObject).spec;
    const withoutImages = (all: typeof containers = []) => all.map(({ image: _image, ...container }) => container);
    return {
      ...rest,
      containers: withoutImages(containers),
      initContainers: withoutImages(initContainers),
      activeDeadlineSeconds: undefined,
      tolerations: undefined,
    };
  };
  if (isDeepStrictEqual(fixed(old), fixed(next))) return;
  throw invalid(pods, old.metadata.name, [{ reason: 'FieldValueForbidden', message: mayChange, field: 'spec' }]);
}
