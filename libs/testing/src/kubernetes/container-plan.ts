import { existsSync } from 'node:fs';
import type { ContainerPlan } from './container-process';
import { fieldOf } from './downward-api';
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
  // Only these can be named as `$(NAME)`. They are rewritten after that: a path that was rewritten may begin as a mounted one.
  const own: Record<string, string> = {};
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, pod, store, own);
    if (value !== undefined) own[variable.name] = value;
  }
  const rewritten = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, rewrite(value)]));
  const env = { HOSTNAME: pod.metadata.name, HOME: folder, ...image?.env, ...rewritten };
  const given = (words: readonly string[] = []) => words.map((word) => rewrite(expand(word, own)));
  const program = container.command?.length ? given(container.command) : (image?.command ?? []);
  const workingDir = container.workingDir === undefined ? folder : rewrite(container.workingDir);
  return { command: [...program, ...given(container.args)], env, cwd: existsSync(workingDir) ? workingDir : folder };
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

/** `$(NAME)` of a known variable becomes its value, `$$` one dollar sign, as Kubernetes does it; all else stays. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (found, name: string | undefined) =>
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
