import type {
  V1Affinity,
  V1Container,
  V1EnvFromSource,
  V1EnvVar,
  V1HostAlias,
  V1Lifecycle,
  V1PodDNSConfig,
  V1TopologySpreadConstraint,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import { z } from 'zod';
import {
  addedAnnotations,
  addedLabels,
  kubernetesObject,
  labelName,
  labelValue,
  objectName,
  refused,
  taken,
} from './fields';
import { mainContainer } from './pod-status';

/** Volumes of ours begin with it. */
export const ownVolumes = 'ryax-';

const fromExecution = 'is set by the executor for each execution';
const elsewhere = (field: string) => `has a field of its own: ${field}`;

const notOurs = (name: string) => !name.startsWith(ownVolumes);
const freeName = objectName.refine(notOurs, `names that begin with ${ownVolumes} are the executor's`);

function named<T extends { name: string }>() {
  return z.looseObject({ name: freeName }).transform((value) => value as unknown as T);
}

const variable = z
  .looseObject({
    name: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits or _')
      .refine((name) => !name.startsWith('RYAX_'), "names that begin with RYAX_ are the executor's"),
  })
  .transform((value) => value as V1EnvVar);

const containerSchema = z
  .strictObject({
    name: z.literal(mainContainer, `expected "${mainContainer}": a container beside it would keep the pod from ending`),
    env: z.array(variable).default([]),
    envFrom: z.array(kubernetesObject<V1EnvFromSource>()).optional(),
    volumeMounts: z.array(named<V1VolumeMount>()).default([]),
    workingDir: z.string().optional(),
    imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
    lifecycle: kubernetesObject<V1Lifecycle>().optional(),
    image: refused(fromExecution),
    command: refused(fromExecution),
    args: refused(fromExecution),
    resources: refused(elsewhere('defaults')),
    securityContext: refused(elsewhere('securityContext')),
    terminationMessagePath: refused(fromExecution),
    terminationMessagePolicy: refused(fromExecution),
  })
  .transform(taken);

const specSchema = z
  .strictObject({
    affinity: kubernetesObject<V1Affinity>().optional(),
    topologySpreadConstraints: z.array(kubernetesObject<V1TopologySpreadConstraint>()).optional(),
    nodeSelector: z.record(labelName, labelValue).optional(),
    schedulerName: z.string().optional(),
    preemptionPolicy: z.enum(['Never', 'PreemptLowerPriority']).optional(),
    dnsPolicy: z.enum(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']).optional(),
    dnsConfig: kubernetesObject<V1PodDNSConfig>().optional(),
    hostAliases: z.array(kubernetesObject<V1HostAlias>()).optional(),
    hostNetwork: z.boolean().optional(),
    hostUsers: z.boolean().optional(),
    enableServiceLinks: z.boolean().optional(),
    volumes: z.array(named<V1Volume>()).default([]),
    initContainers: z.array(named<V1Container>()).optional(),
    containers: z.array(containerSchema).max(1, `expected the container "${mainContainer}" alone`).optional(),
    tolerations: refused(elsewhere('nodePools[].tolerations')),
    runtimeClassName: refused(elsewhere('nodePools[].runtimeClass')),
    securityContext: refused(elsewhere('securityContext')),
    imagePullSecrets: refused(elsewhere('imagePullSecrets')),
    serviceAccountName: refused(elsewhere('serviceAccount')),
    serviceAccount: refused(elsewhere('serviceAccount')),
    automountServiceAccountToken: refused('is always false: an action has no say in the cluster'),
    priorityClassName: refused(elsewhere('priorityClass')),
    terminationGracePeriodSeconds: refused(elsewhere('gracePeriod')),
    activeDeadlineSeconds: refused(fromExecution),
    restartPolicy: refused('is always Never: what is tried again is decided by the runner'),
    nodeName: refused('would pass the scheduler by; use nodePools[].selector'),
  })
  .transform(taken);

/** A partial pod that every pod of a site is laid over: docs/sites.md says what of it wins. */
export const podTemplateSchema = z.strictObject({
  metadata: z
    .strictObject({
      labels: addedLabels.optional(),
      annotations: addedAnnotations.optional(),
      name: refused(fromExecution),
      generateName: refused(fromExecution),
      namespace: refused(elsewhere('namespace')),
      ownerReferences: refused(elsewhere('owner')),
    })
    .optional(),
  spec: specSchema.optional(),
});
export type PodTemplate = z.infer<typeof podTemplateSchema>;
