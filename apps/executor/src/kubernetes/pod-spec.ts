import type { V1Container, V1Pod, V1PodSecurityContext, V1PodSpec, V1SecurityContext } from '@kubernetes/client-node';
import type { Launch } from '../launcher';
import { ownPrefix } from './fields';
import { ownAnnotations, ownLabels } from './labels';
import {
  inputsFileName,
  inputsFolder,
  inputsText,
  literal,
  outputsFile,
  podVariables,
  type Container,
} from './pod-inputs';
import { podName } from './pod-name';
import { podResources } from './pod-resources';
import { mainContainer } from './pod-status';
import { ownVolumes, type PodTemplate } from './pod-template';
import { architectureLabel, type NodePool, type SiteConfig } from './site-config';

/** The attempt of a command in an image. */
export type ContainerLaunch = Launch & { readonly action: Container };

const inputsVolume = `${ownVolumes}inputs`;
export const inputsAnnotation = `${ownPrefix}inputs`;
const inputsAsFile = {
  name: inputsVolume,
  downwardAPI: {
    items: [{ path: inputsFileName, fieldRef: { fieldPath: `metadata.annotations['${inputsAnnotation}']` } }],
  },
};
const scratchVolume = `${ownVolumes}tmp`;
const scratchFolder = '/tmp';

/**
 * The pod that makes an attempt: one pod, one attempt. Pure: what was created can be told again at any time.
 *
 * @throws AttemptFailure `rejected` where a pod cannot take the inputs, `invalid` where the command cannot be passed on
 */
export function podFor(launch: ContainerLaunch, pool: NodePool, site: SiteConfig): V1Pod {
  const { metadata: added, spec: template = { volumes: [] } } = site.podTemplate;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(launch),
      namespace: site.namespace,
      labels: { ...added?.labels, ...site.labels, ...ownLabels(launch, site.name, pool.name) },
      annotations: {
        ...added?.annotations,
        ...site.annotations,
        ...ownAnnotations(launch),
        [inputsAnnotation]: inputsText(launch.inputs),
      },
      ...(site.owner && { ownerReferences: [site.owner] }),
    },
    spec: podSpec(launch, pool, site, template),
  };
}

type SpecTemplate = NonNullable<PodTemplate['spec']>;

function podSpec(launch: ContainerLaunch, pool: NodePool, site: SiteConfig, template: SpecTemplate): V1PodSpec {
  const { containers: _containers, volumes, ...taken } = template;
  const deadline = deadlineSeconds(launch, pool, site);
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
    containers: [container(launch, pool, site, template)],
    volumes: [
      ...volumes,
      inputsAsFile,
      ...(needsScratch(site, template) ? [{ name: scratchVolume, emptyDir: {} }] : []),
    ],
  };
}

function container(launch: ContainerLaunch, pool: NodePool, site: SiteConfig, template: SpecTemplate): V1Container {
  const { name: _name, env: defaults = [], volumeMounts = [], ...taken } = template.containers?.[0] ?? {};
  const variables = podVariables(launch, launch.action);
  const isSet = new Set(variables.map(({ name }) => name));
  return {
    ...taken,
    name: mainContainer,
    image: launch.action.image,
    command: launch.action.command.map(literal),
    env: [...defaults.filter(({ name }) => !isSet.has(name)), ...variables],
    resources: podResources(launch.resources, pool, site.defaults),
    securityContext: containerSecurity(site.securityContext),
    terminationMessagePath: outputsFile,
    // Of a command that fails without a word there, the end of its log.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      ...volumeMounts,
      { name: inputsVolume, mountPath: inputsFolder, readOnly: true },
      ...(needsScratch(site, template) ? [{ name: scratchVolume, mountPath: scratchFolder }] : []),
    ],
  };
}

/** Where nothing else may be written there is a `/tmp`, the template's or ours. */
function needsScratch({ securityContext }: SiteConfig, { containers }: SpecTemplate): boolean {
  if (!securityContext.readOnlyRootFilesystem) return false;
  return containers?.[0]?.volumeMounts.every(({ mountPath }) => mountPath !== scratchFolder) ?? true;
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

function containerSecurity({
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

/** What Kubernetes can count. */
const longestDeadline = 2 ** 31 - 1;

/**
 * A safeguard for when no executor is there to end the attempt at its time limit, so it comes later than that: Kubernetes
 * counts from when the node has taken the pod, image and volumes included, for which the site has patience.
 */
function deadlineSeconds({ timeoutMs, resources }: Launch, pool: NodePool, site: SiteConfig): number | undefined {
  const limitMs = Math.min(timeoutMs ?? Infinity, resources.time_ms ?? Infinity, pool.timeLimitMs ?? Infinity);
  if (limitMs === Infinity) return undefined;
  const { image, configuration, starting } = site.patienceMs;
  const roomMs = Math.max(image, configuration, starting) + site.gracePeriodMs;
  return Math.min(seconds(limitMs + roomMs), longestDeadline);
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
