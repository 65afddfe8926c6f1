import type {
  V1Container,
  V1ContainerStatus,
  V1EnvVar,
  V1Pod,
  V1SecurityContext,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import { AttemptFailure } from '../../process/attempt-failure';
import { inputsFileName, inputsFolder } from '../pod-inputs';
import { ownVolumes } from '../pod-template';
import type { SiteConfig } from '../site-config';

/** Runs before the command: ends well when all inputs are there. */
export const inputsContainer = 'ryax-inputs';
/** Runs beside the command, and on after it: gives its outputs out. */
export const outputsContainer = 'ryax-outputs';
export const ownContainers: readonly string[] = [inputsContainer, outputsContainer];

/** Containers of a pod have one network: a port that a command hardly takes, below those that systems give to whoever asks for any. */
export const filesPort = 29_741;
const tokenVariable = 'RYAX_TOKEN';

/** Where the command begins, and where relative paths of its outputs do. */
export const workFolder = '/ryax/work';
const temporaryFolder = '/tmp';
export const outputsFileOfFiles = `${inputsFolder}/outputs.json`;
export const inputsFileOfFiles = `${inputsFolder}/${inputsFileName}`;

/** It holds a file at a time in part, never whole. What it asks of the node is nothing, so that the pod takes what its action asks. */
const serverResources = { requests: { cpu: '0', memory: '0' }, limits: { cpu: '1', memory: '128Mi' } };

const folders = [
  { name: `${ownVolumes}files`, mountPath: inputsFolder },
  { name: `${ownVolumes}work`, mountPath: workFolder },
  { name: `${ownVolumes}tmp`, mountPath: temporaryFolder },
];

/** What a pod has beside its command so that files come in and out. */
export interface FilesParts {
  readonly inputs: V1Container;
  readonly outputs: V1Container;
  readonly volumes: readonly V1Volume[];
  readonly mounts: readonly V1VolumeMount[];
}

export interface FilesServer {
  readonly image: string;
  /** Whoever has it may put files there and take them away. */
  readonly token: string;
  readonly securityContext: V1SecurityContext;
}

/** Pure. @param taken paths of the command where the site has mounted something of its own */
export function filesParts(
  { image, token, securityContext }: FilesServer,
  { defaults }: SiteConfig,
  taken: ReadonlySet<string>,
): FilesParts {
  const { ephemeralStorageBytes: most } = defaults.limits;
  const volumes = folders.map(({ name }) => ({
    name,
    emptyDir: most === undefined ? {} : { sizeLimit: String(most) },
  }));
  const server = (
    name: string,
    more: Pick<V1Container, 'imagePullPolicy'>,
    env: readonly V1EnvVar[] = [],
  ): V1Container => ({
    name,
    image,
    ...more,
    env: [
      ...env,
      { name: tokenVariable, value: token },
      { name: 'RYAX_PORT', value: String(filesPort) },
      { name: 'RYAX_HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'RYAX_FILES_DIR', value: inputsFolder },
      { name: 'RYAX_SHARED_DIRS', value: folders.map(({ mountPath }) => mountPath).join(':') },
      { name: 'RYAX_WORK_DIR', value: workFolder },
    ],
    ports: [{ name, containerPort: filesPort }],
    resources: serverResources,
    securityContext,
    volumeMounts: folders,
  });
  return {
    inputs: server(inputsContainer, {}, [{ name: 'RYAX_TAKES_FILES', value: 'true' }]),
    // The one before it has just brought the image to its node: nothing that a registry does may cost the outputs.
    outputs: server(outputsContainer, { imagePullPolicy: 'IfNotPresent' }),
    volumes,
    mounts: folders.filter(({ mountPath }) => !taken.has(mountPath)),
  };
}

/** @throws AttemptFailure where the site does not name the image */
export function filesImageOf({ name, filesImage }: SiteConfig, why: string): string {
  if (filesImage !== undefined) return filesImage;
  const advice = 'set filesImage in its configuration to an image of the file server (docs/sites.md)';
  throw new AttemptFailure({
    kind: 'rejected',
    message: `${why}, for which the site ${name} names no image: ${advice}`,
    details: { field: 'filesImage' },
  });
}

/** Whether files come into this pod and out of it. Also of a pod that another executor has made. */
export function hasFiles({ spec }: V1Pod): boolean {
  return spec?.containers.some(({ name }) => name === outputsContainer) === true;
}

export function filesTokenIn({ spec }: V1Pod): string | undefined {
  const server = spec?.containers.find(({ name }) => name === outputsContainer);
  return server?.env?.find(({ name }) => name === tokenVariable)?.value;
}

export function statusOfInputs({ status }: V1Pod): V1ContainerStatus | undefined {
  return status?.initContainerStatuses?.find(({ name }) => name === inputsContainer);
}

export function statusOfOutputs({ status }: V1Pod): V1ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === outputsContainer);
}
