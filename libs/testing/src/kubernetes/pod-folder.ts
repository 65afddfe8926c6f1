import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ContainerLog } from './container-log';
import { fileFieldOf } from './downward-api';
import { contentOf } from './key-values';
import { configMaps, secrets, type Container, type Pod, type Volume } from './objects';
import type { Store } from './store';

const maxMessageBytes = 4_096;
const fallbackLines = 80;
const fallbackBytes = 2_048;

/** The files of one pod: its volumes and termination messages, under a folder of this machine. */
export class PodFolder {
  constructor(
    readonly path: string,
    private readonly pod: Pod,
  ) {
    mkdirSync(path, { recursive: true });
  }

  /** Writes the volumes; answers what a kubelet says in its events when one cannot be made. */
  mount(store: Store): string | undefined {
    for (const volume of this.pod.spec.volumes ?? []) {
      const files = filesOf(volume, this.pod, store);
      if (typeof files === 'string') return files;
      const folder = this.volumePath(volume.name);
      mkdirSync(folder, { recursive: true });
      for (const [name, content] of files) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
    }
    return undefined;
  }

  /** Where that which a container knows by a path of its own lies in truth. */
  pathsOf(container: Container): ReadonlyMap<string, string> {
    const mounts = (container.volumeMounts ?? []).map(
      ({ name, mountPath, subPath = '' }) => [mountPath, join(this.volumePath(name), subPath)] as const,
    );
    const message = container.terminationMessagePath ?? '/dev/termination-log';
    writeFileSync(this.messagePath(container), '');
    return new Map([...mounts, [message, this.messagePath(container)]]);
  }

  /** The end of what it wrote as its termination message, or undefined where it left none. */
  messageOf(container: Container, exitCode: number, log: ContainerLog): string | undefined {
    if (!existsSync(this.messagePath(container))) return undefined;
    const written = readFileSync(this.messagePath(container)).subarray(-maxMessageBytes).toString();
    if (written !== '') return written;
    if (container.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return undefined;
    const lines = log.read().slice(-fallbackLines);
    const tail = Buffer.from(lines.map(({ text }) => text).join(''))
      .subarray(-fallbackBytes)
      .toString();
    return tail === '' ? undefined : tail;
  }

  remove(): void {
    // A process that was killed may be writing its last.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private volumePath(name: string): string {
    return join(this.path, 'volumes', name);
  }

  private messagePath({ name }: Container): string {
    return join(this.path, `termination-${name}`);
  }
}

type Files = readonly (readonly [path: string, content: string | Buffer])[];

/** What is in a volume before its pod starts, or why it cannot be known yet. */
function filesOf({ name, secret, configMap, downwardAPI }: Volume, pod: Pod, store: Store): Files | string {
  if (downwardAPI) {
    return (downwardAPI.items ?? []).map(({ path, fieldRef }) => [path, fileFieldOf(pod, fieldRef?.fieldPath ?? '')]);
  }
  const [resource, source, kind] = secret
    ? ([secrets, secret.secretName, 'secret'] as const)
    : ([configMaps, configMap?.name, 'configmap'] as const);
  if (source === undefined) return [];
  const object = store.find(resource, pod.metadata.namespace, source);
  if (object) return Object.entries(contentOf(object));
  if ((secret ?? configMap)?.optional === true) return [];
  return `MountVolume.SetUp failed for volume "${name}" : ${kind} "${source}" not found`;
}
