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
import type { Launch } from '../launcher';
import { ownPrefix } from './fields';
import { ownAnnotations, ownLabels } from './labels';
import { warmAnnotations, warmLabels, type WarmKind } from './warm/warm-kind';
import {
  inputsFileName,
  inputsFolder,
  inputsText,
  literal,
  outputsFile,
  podVariables,
  type CarriedInputs,
  type Container,
} from './pod-inputs';
import { podName } from './pod-name';
import { podResources } from './pod-resources';
import { mainContainer } from './pod-status';
import { ownVolumes, type PodTemplate } from './pod-template';
import { filesParts, outputsFileOfFiles, workFolder, type FilesParts } from './command/files-containers';
import { architectureLabel, type NodePool, type SiteConfig } from './site-config';

/** The attempt of a command in an image. */
export type ContainerLaunch = Launch & { readonly action: Container };

/** Where an action image keeps the files of its attempt. */
const actionFilesFolder = '/ryax/files';
/** Where the server of an action image listens. */
export const actionPort = 8080;
const tokenVariable = 'RYAX_TOKEN';

const inputsVolume = `${ownVolumes}inputs`;
export const inputsAnnotation = `${ownPrefix}inputs`;
const inputsAsFile = {
  name: inputsVolume,
  downwardAPI: {
    items: [{ path: inputsFileName, fieldRef: { fieldPath: `metadata.annotations['${inputsAnnotation}']` } }],
  },
};
/** The inputs of a command as they came, where its successor may have to bring them. */
export const givenAnnotation = `${ownPrefix}given`;
const scratchVolume = `${ownVolumes}tmp`;
const scratchFolder = '/tmp';

/** Whose it is. */
interface Subject {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly deadlineSeconds: number | undefined;
}

/** What a pod has for its attempt alone; everything else is the site's. */
interface Main {
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

/**
 * The pod that makes an attempt of a command: one pod, one attempt. Pure: what was created can be told again at any time.
 *
 * @throws AttemptFailure `rejected` where a pod cannot take the inputs, `invalid` where the command cannot be passed on
 */
export function podFor(
  launch: ContainerLaunch,
  pool: NodePool,
  site: SiteConfig,
  carried: CarriedInputs = { by: 'annotation', values: launch.inputs, passwords: [] },
  server?: { readonly image: string; readonly token: string },
): V1Pod {
  const { action } = launch;
  const taken = new Set(site.podTemplate.spec?.containers?.[0]?.volumeMounts.map(({ mountPath }) => mountPath));
  const securityContext = containerSecurity(site.securityContext);
  const files = server && filesParts({ ...server, securityContext }, site, taken);
  const { given } = carried;
  const subject = attemptOf(launch, pool, site);
  // It would count the time that files take, and end what waits to be fetched: an executor alone keeps the limit.
  const limited = files === undefined ? subject : { ...subject, deadlineSeconds: undefined };
  return podOf(limited, pool, site, {
    image: action.image,
    command: action.command.map(literal),
    env: podVariables(launch, action, carried, files === undefined ? outputsFile : outputsFileOfFiles),
    ...inputsShown(launch, carried, files),
    annotations: {
      ...(carried.by === 'annotation' && { [inputsAnnotation]: inputsText(carried.values) }),
      ...(given !== undefined && { [givenAnnotation]: JSON.stringify(given) }),
    },
    isDiscreet: carried.passwords.length > 0 || carried.by === 'secret',
    ...(files && { files, workingDir: workFolder }),
    scratch: files === undefined ? { [scratchVolume]: scratchFolder } : {},
  });
}

/** Where `$RYAX_INPUTS` comes from. */
function inputsShown(
  launch: ContainerLaunch,
  { by }: CarriedInputs,
  files: FilesParts | undefined,
): Pick<Main, 'volumes' | 'mounts'> {
  if (files !== undefined) return files;
  const asSecret = { name: inputsVolume, secret: { secretName: podName(launch) } };
  return {
    volumes: [by === 'secret' ? asSecret : inputsAsFile],
    mounts: [{ name: inputsVolume, mountPath: inputsFolder, readOnly: true }],
  };
}

/** The pod of an action image, whose server is called for the attempt (docs/action-images.md). */
export function actionPodFor(launch: Launch, served: Served, pool: NodePool, site: SiteConfig): V1Pod {
  return podOf(attemptOf(launch, pool, site), pool, site, serverOf(served));
}

/** One that is called for many attempts, and ends by itself when nobody calls it for so long. It has no deadline: work may be long. */
export function warmPodFor(
  name: string,
  kind: WarmKind,
  served: Served & { readonly idleSeconds: number },
  pool: NodePool,
  site: SiteConfig,
): V1Pod {
  const subject = {
    name,
    labels: warmLabels(kind, site.name, pool.name),
    annotations: warmAnnotations(kind),
    resources: kind.resources,
    deadlineSeconds: undefined,
  };
  const main = serverOf(served);
  const env = [...main.env, { name: 'RYAX_IDLE_SECONDS', value: String(served.idleSeconds) }];
  return podOf(subject, pool, site, { ...main, env });
}

/** In the pod's own variables, and nowhere else. Undefined where somebody has made the pod otherwise. */
export function tokenIn(pod: V1Pod): string | undefined {
  const main = pod.spec?.containers.find(({ name }) => name === mainContainer);
  return main?.env?.find(({ name }) => name === tokenVariable)?.value;
}

interface Served {
  readonly image: string;
  readonly token: string;
}

function serverOf({ image, token }: Served): Main {
  return {
    image,
    // A pod has an address of its own, and nothing else of it listens.
    env: [
      { name: tokenVariable, value: token },
      { name: 'RYAX_PORT', value: String(actionPort) },
      { name: 'RYAX_HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    ports: [{ name: 'ryax', containerPort: actionPort }],
    volumes: [],
    mounts: [],
    annotations: {},
    scratch: { [scratchVolume]: scratchFolder, [`${ownVolumes}files`]: actionFilesFolder },
  };
}

function attemptOf(launch: Launch, pool: NodePool, site: SiteConfig): Subject {
  return {
    name: podName(launch),
    labels: ownLabels(launch, site.name, pool.name),
    annotations: ownAnnotations(launch),
    resources: launch.resources,
    deadlineSeconds: deadlineSeconds(launch, pool, site),
  };
}

function podOf(subject: Subject, pool: NodePool, site: SiteConfig, main: Main): V1Pod {
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

function podSpec(subject: Subject, pool: NodePool, site: SiteConfig, main: Main, template: SpecTemplate): V1PodSpec {
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
function initContainers({ files }: Main, template: SpecTemplate): Pick<V1PodSpec, 'initContainers'> {
  if (files === undefined) return {};
  return { initContainers: [...(template.initContainers ?? []), files.inputs] };
}

function container(
  { resources }: Subject,
  pool: NodePool,
  site: SiteConfig,
  main: Main,
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
  { scratch }: Main,
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
