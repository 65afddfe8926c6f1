import { existsSync } from 'node:fs';
import type { ContainerPlan } from './container-process';
import { contentOf } from './key-values';
import { configMaps, secrets, type Container, type EnvironmentVariable, type Pod } from './objects';
import type { Store } from './store';

/** What an image would have brought along: its entrypoint is a command of this machine. */
export interface Image {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A variable of a container names something that does not exist. */
export class MissingReference extends Error {
  override readonly name = 'MissingReference';
}

/**
 * The process that stands for a container. Paths that the pod mounts are rewritten to where they lie, wherever the pod names them
 * in its command, arguments or environment: nothing is mounted on this machine. Throws MissingReference.
 */
export function planContainer(
  { pod, container, image, store }: { pod: Pod; container: Container; image: Image | undefined; store: Store },
  paths: ReadonlyMap<string, string>,
  folder: string,
): ContainerPlan {
  const rewrite = rewriting(paths);
  const env: Record<string, string> = { HOSTNAME: pod.metadata.name, HOME: folder, ...image?.env };
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, pod, store, env);
    if (value !== undefined) env[variable.name] = rewrite(value);
  }
  const given = (words: readonly string[] = []) => words.map((word) => rewrite(expand(word, env)));
  const own = container.command?.length ? given(container.command) : (image?.command ?? []);
  const workingDir = container.workingDir === undefined ? folder : rewrite(container.workingDir);
  return { command: [...own, ...given(container.args)], env, cwd: existsSync(workingDir) ? workingDir : folder };
}

function valueOf({ name, value, valueFrom }: EnvironmentVariable, pod: Pod, store: Store, env: Record<string, string>) {
  if (!valueFrom) return expand(value ?? '', env);
  const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef) return fieldOf(pod, fieldRef.fieldPath);
  const reference = secretKeyRef ?? configMapKeyRef;
  if (!reference) throw new MissingReference(`variable ${name} has a source that is not imitated`);
  const [resource, kind] = secretKeyRef ? ([secrets, 'secret'] as const) : ([configMaps, 'configmap'] as const);
  const { namespace } = pod.metadata;
  const object = store.find(resource, namespace, reference.name);
  const content = object && contentOf(object)[reference.key];
  if (content) return content.toString();
  if (reference.optional === true) return undefined;
  if (!object) throw new MissingReference(`${kind} "${reference.name}" not found`);
  throw new MissingReference(`couldn't find key ${reference.key} in ${resource.kind} ${namespace}/${reference.name}`);
}

function fieldOf({ metadata, spec, status }: Pod, path: string): string {
  const [, map, key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (map === 'labels' || map === 'annotations') return metadata[map]?.[key] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.podIP': status.podIP,
    'status.hostIP': '127.0.0.1',
  };
  return fields[path] ?? '';
}

/** `$(NAME)` of a known variable becomes its value, `$$` one dollar sign, as Kubernetes does it. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([\w.-]+)\)/g, (found, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? found),
  );
}

function rewriting(paths: ReadonlyMap<string, string>): (text: string) => string {
  const byLength = [...paths].sort(([a], [b]) => b.length - a.length);
  if (byLength.length === 0) return (text) => text;
  const names = byLength.map(([path]) => path.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const pattern = new RegExp(String.raw`(?<![\w./-])(?:${names.join('|')})(?![\w.-])`, 'g');
  return (text) => text.replace(pattern, (path) => paths.get(path) ?? path);
}
