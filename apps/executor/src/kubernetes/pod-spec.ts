import type { V1Pod } from '@kubernetes/client-node';
import type { Launch } from '../launcher';
import { filesParts, outputsFileOfFiles, workFolder, type FilesParts } from './command/files-containers';
import { ownPrefix } from './fields';
import { ownAnnotations, ownLabels } from './labels';
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
import { mainContainer } from './pod-status';
import { ownVolumes } from './pod-template';
import type { NodePool, SiteConfig } from './site-config';
import { containerSecurity, podOf, seconds, type PodMain, type PodSubject } from './site-pod';
import { warmAnnotations, warmLabels, type WarmKind } from './warm/warm-kind';

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
): Pick<PodMain, 'volumes' | 'mounts'> {
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

function serverOf({ image, token }: Served): PodMain {
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

function attemptOf(launch: Launch, pool: NodePool, site: SiteConfig): PodSubject {
  return {
    name: podName(launch),
    labels: ownLabels(launch, site.name, pool.name),
    annotations: ownAnnotations(launch),
    resources: launch.resources,
    deadlineSeconds: deadlineSeconds(launch, pool, site),
  };
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
