import type {
  V1Container,
  V1ContainerPort,
  V1EnvVar,
  V1Pod,
  V1PodSecurityContext,
  V1PodSpec,
  V1SecurityContext,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import type { Resources } from '@ryax/contracts';
import type { FilesParts } from './command/files-containers';
import { outputsFile } from './pod-inputs';
import { podResources } from './pod-resources';
import { mainContainer } from './pod-status';
import type { PodTemplate } from './pod-template';
import { architectureLabel, type NodePool, type SiteConfig } from './site-config';

/** Whose it is. */
export interface PodSubject {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly deadlineSeconds: number | undefined;
}

/** What a pod has for its attempt alone; everything else is the site's. */
export interface PodMain {
  readonly image: string;
  readonly command?: readonly string[];
  readonly env: readonly V1EnvVar[];
  readonly ports?: readonly V1ContainerPort[];
  readonly volumes: readonly V1Volume[];
  readonly mounts: readonly V1VolumeMount[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  /** Where the end of its log must not stand in the pod's status. */
  readonly isDiscreet?: boolean;
  /** Containers of ours, before it and beside it. */
  readonly files?: FilesParts;
  /** Folders that must be writable where the rest is not. */
  readonly scratch: Readonly<Record<string, string>>;
}

/** A pod as all of its site are, around the container that is its attempt's own. Pure. */
export function podOf(subject: PodSubject, pool: NodePool, site: SiteConfig, main: PodMain): V1Pod {
  const { metadata: added, spec: template = { volumes: [] } } = site.podTemplate;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: subject.name,
      namespace: site.namespace,
      labels: { ...added?.labels, ...site.labels, ...subject.labels },
      annotations: { ...added?.annotations, ...site.annotations, ...subject.annotations, ...main.annotations },
      ...(site.owner && { ownerReferences: [site.owner] }),
    },
    spec: podSpec(subject, pool, site, main, template),
  };
}

type SpecTemplate = NonNullable<PodTemplate['spec']>;

function podSpec(
  subject: PodSubject,
  pool: NodePool,
  site: SiteConfig,
  main: PodMain,
  template: SpecTemplate,
): V1PodSpec {
  const { containers: _containers, volumes, ...taken } = template;
  const deadline = subject.deadlineSeconds;
  const nodeSelector = { ...template.nodeSelector, ...pool.selector, ...architectureOf(pool) };
  return {
    // Otherwise each service of the namespace adds variables, which may have the names of inputs.
    enableServiceLinks: false,
    ...taken,
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: seconds(site.gracePeriodMs),
    ...(deadline !== undefined && { activeDeadlineSeconds: deadline }),
    ...(site.serviceAccount && { serviceAccountName: site.serviceAccount }),
    ...(site.priorityClass && { priorityClassName: site.priorityClass }),
    ...(site.imagePullSecrets.length > 0 && { imagePullSecrets: site.imagePullSecrets.map((name) => ({ name })) }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(pool.tolerations.length > 0 && { tolerations: pool.tolerations }),
    ...(pool.runtimeClass && { runtimeClassName: pool.runtimeClass }),
    securityContext: podSecurity(site.securityContext),
    ...initContainers(main, template),
    containers: [container(subject, pool, site, main, template), ...(main.files ? [main.files.outputs] : [])],
    volumes: [
      ...volumes,
      ...main.volumes,
      ...scratchMounts(site, main, template).map(({ name }) => ({ name, emptyDir: {} })),
    ],
  };
}

/** Those of the site first: ours may need them, as for the network. */
function initContainers({ files }: PodMain, template: SpecTemplate): Pick<V1PodSpec, 'initContainers'> {
  if (files === undefined) return {};
  return { initContainers: [...(template.initContainers ?? []), files.inputs] };
}

function container(
  { resources }: PodSubject,
  pool: NodePool,
  site: SiteConfig,
  main: PodMain,
  template: SpecTemplate,
): V1Container {
  const { name: _name, env: defaults = [], volumeMounts = [], ...taken } = template.containers?.[0] ?? {};
  const isSet = new Set(main.env.map(({ name }) => name));
  return {
    ...(main.workingDir !== undefined && { workingDir: main.workingDir }),
    ...taken,
    name: mainContainer,
    image: main.image,
    ...(main.command && { command: [...main.command] }),
    env: [...defaults.filter(({ name }) => !isSet.has(name)), ...main.env],
    ...(main.ports && { ports: [...main.ports] }),
    resources: podResources(resources, pool, site.defaults),
    securityContext: containerSecurity(site.securityContext),
    terminationMessagePath: outputsFile,
    // Of a command that fails without a word there, the end of its log.
    terminationMessagePolicy: main.isDiscreet === true ? 'File' : 'FallbackToLogsOnError',
    volumeMounts: [...volumeMounts, ...main.mounts, ...scratchMounts(site, main, template)],
  };
}

/** Where nothing else may be written there is a `/tmp` and the like, the template's or ours. */
function scratchMounts(
  { securityContext }: SiteConfig,
  { scratch }: PodMain,
  { containers }: SpecTemplate,
): readonly V1VolumeMount[] {
  if (!securityContext.readOnlyRootFilesystem) return [];
  const taken = new Set(containers?.[0]?.volumeMounts.map(({ mountPath }) => mountPath));
  return Object.entries(scratch)
    .filter(([, folder]) => !taken.has(folder))
    .map(([name, mountPath]) => ({ name, mountPath }));
}

function podSecurity(site: SiteConfig['securityContext']): V1PodSecurityContext {
  const { runAsNonRoot, runAsUser, runAsGroup, fsGroup, supplementalGroups, seccompProfile } = site;
  const { type, localhostProfile } = seccompProfile;
  return {
    runAsNonRoot,
    ...(runAsUser !== null && { runAsUser }),
    ...(runAsGroup !== null && { runAsGroup }),
    ...(fsGroup !== null && { fsGroup }),
    ...(supplementalGroups && { supplementalGroups }),
    seccompProfile: { type, ...(localhostProfile && { localhostProfile }) },
  };
}

/** Of each container, ours too. */
export function containerSecurity({
  readOnlyRootFilesystem,
  addCapabilities,
}: SiteConfig['securityContext']): V1SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem,
    capabilities: { drop: ['ALL'], ...(addCapabilities.length > 0 && { add: addCapabilities }) },
  };
}

function architectureOf({ architecture }: NodePool): Record<string, string> {
  return architecture === undefined ? {} : { [architectureLabel]: architecture };
}

/** At least one, as Kubernetes counts them. */
export function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
