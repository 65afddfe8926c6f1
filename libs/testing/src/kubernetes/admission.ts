import {
  aboveLimitRange,
  exceededQuota,
  invalid,
  namespaceTerminating,
  noSuchServiceAccount,
  notFound,
} from './answers';
import { downwardFileFaults } from './downward-api';
import {
  asPod,
  isFinished,
  namespaces,
  pods,
  serviceAccounts,
  type Container,
  type KubernetesObject,
  type Pod,
  type Resource,
  type Volume,
} from './objects';
import { qosClassOf } from './pod-status';
import { parseQuantity } from './quantity';
import type { Change, Store } from './store';

/** What a namespace allows; a test changes it as it goes. */
export interface NamespacePolicy {
  /** How many unfinished pods there may be. */
  readonly maxPods?: number;
  /** The most memory that a container may have as its limit. */
  readonly maxMemory?: string;
  readonly isTerminating?: boolean;
}

/** Decides whether an object may be created, and fills in what it leaves open. */
export class Admission {
  private readonly policies = new Map<string, NamespacePolicy>();
  private readonly unfinished = new Map<string, number>();

  constructor(private readonly store: Store) {
    store.subscribe((change) => this.count(change));
  }

  /** Takes the place of the namespace's earlier policy. */
  setPolicy(namespace: string, policy: NamespacePolicy): void {
    this.policies.set(namespace, policy);
  }

  /** Answers the object as it is to be stored; throws 403, 404 or 422 as a real server does. */
  admit(resource: Resource, object: KubernetesObject): KubernetesObject {
    const { name, namespace = '' } = object.metadata;
    const policy = this.policies.get(namespace) ?? {};
    if (resource.isNamespaced && !this.store.find(namespaces, undefined, namespace)) {
      throw notFound(namespaces, namespace);
    }
    if (policy.isTerminating === true) throw namespaceTerminating(resource, name, namespace);
    if (resource !== pods) {
      validateName(resource, name);
      return object;
    }
    const pod = withDefaults(object);
    this.checkServiceAccount(pod);
    checkMemory(pod, policy.maxMemory);
    validateName(resource, name);
    validatePod(pod);
    this.checkQuota(pod, policy.maxPods);
    return pod;
  }

  private checkServiceAccount({ metadata: { name, namespace = '' }, spec }: Pod): void {
    const account = spec.serviceAccountName ?? 'default';
    if (account === 'default' || this.store.find(serviceAccounts, namespace, account)) return;
    throw noSuchServiceAccount(pods, name, namespace, account);
  }

  private checkQuota({ metadata: { name, namespace = '' } }: Pod, maxPods: number | undefined): void {
    const used = this.unfinished.get(namespace) ?? 0;
    if (maxPods !== undefined && used >= maxPods) throw exceededQuota(pods, name, 'pods', used, maxPods);
  }

  /** Kept up as pods come and end: to count them for each new one would take longer the more there are. */
  private count({ resource, type, object, previous }: Change): void {
    if (resource !== pods) return;
    const before = previous !== undefined && !isFinished(asPod(previous)) ? 1 : 0;
    const after = type !== 'DELETED' && !isFinished(asPod(object)) ? 1 : 0;
    const { namespace = '' } = object.metadata;
    this.unfinished.set(namespace, (this.unfinished.get(namespace) ?? 0) + after - before);
  }
}

function checkMemory({ metadata, spec }: Pod, maximum: string | undefined): void {
  if (maximum === undefined) return;
  for (const { resources } of spec.containers) {
    const limit = String(resources?.limits?.['memory'] ?? 0);
    if (parseQuantity(limit) > parseQuantity(maximum)) throw aboveLimitRange(pods, metadata.name, maximum, limit);
  }
}

const subdomain = String.raw`[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*`;

function validateName(resource: Resource, name: string): void {
  if (new RegExp(`^${subdomain}$`).test(name) && name.length <= 253) return;
  const message = `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`;
  throw invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field: 'metadata.name' }]);
}

function validatePod({ metadata: { name }, spec }: Pod): void {
  const required = (field: string) => ({ reason: 'FieldValueRequired', message: 'Required value', field });
  const causes = spec.containers.flatMap((container, index) => [
    ...(container.name ? [] : [required(`spec.containers[${index}].name`)]),
    ...(container.image ? [] : [required(`spec.containers[${index}].image`)]),
    ...unknownMounts(container, spec, `spec.containers[${index}]`),
  ]);
  causes.push(...(spec.volumes ?? []).flatMap(volumeFaults));
  if (spec.containers.length === 0) causes.push(required('spec.containers'));
  if (causes.length > 0) throw invalid(pods, name, causes);
}

function volumeFaults({ downwardAPI }: Volume, index: number) {
  const faults = (downwardAPI?.items ?? []).flatMap(downwardFileFaults);
  return faults.map((fault) => ({ ...fault, field: `spec.volumes[${index}].downwardAPI.${fault.field}` }));
}

function unknownMounts({ volumeMounts = [] }: Container, { volumes = [] }: Pod['spec'], field: string) {
  return volumeMounts.flatMap((mount, index) =>
    volumes.some(({ name }) => name === mount.name)
      ? []
      : [
          {
            reason: 'FieldValueNotFound',
            message: `Not found: "${mount.name}"`,
            field: `${field}.volumeMounts[${index}].name`,
          },
        ],
  );
}

/** What a real server would fill in, as far as somebody may look at it. */
function withDefaults(object: KubernetesObject): Pod {
  const { spec } = object as Partial<Pod>;
  const containers = (spec?.containers ?? []).map(withContainerDefaults);
  return {
    ...object,
    metadata: { ...object.metadata, generation: 1 },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
      ...spec,
      containers,
      ...(spec?.initContainers && { initContainers: spec.initContainers.map(withContainerDefaults) }),
    },
    status: { phase: 'Pending', qosClass: qosClassOf(containers) },
  };
}

function withContainerDefaults(container: Container): Container {
  const { image = '' } = container;
  const tag = /:([^/]+)$/.exec(image)?.[1] ?? 'latest';
  return {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: tag === 'latest' && !image.includes('@') ? 'Always' : 'IfNotPresent',
    ...container,
  };
}
