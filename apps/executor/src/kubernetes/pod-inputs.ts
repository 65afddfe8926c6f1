import {
  isFileReference,
  isSecretReference,
  isValueReference,
  type ActionToRun,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import type { V1EnvVar } from '@kubernetes/client-node';
import type { Launch } from '../launcher';
import { AttemptFailure } from '../process/attempt-failure';
import { attemptVariables, inputVariables } from '../process/environment';
import { podName } from './pod-name';

export type Container = Extract<ActionToRun, { type: 'container' }>;

/** Annotations of an object may take 256 KiB; what remains is for those of the site. */
export const mostInputBytes = 200_000;

/** Where a command finds all its inputs as one JSON object: an annotation of its pod, shown as a file. */
export const inputsFolder = '/run/ryax';
export const inputsFileName = 'inputs.json';
/** Where it leaves its outputs: what stands there becomes part of the pod's status. 4,096 bytes at most. */
export const outputsFile = '/dev/termination-log';

/** How a command's inputs come into its pod. */
export interface CarriedInputs {
  /**
   * What shows `$RYAX_INPUTS`: an annotation; where there are passwords, a Secret; a file that is brought there together with the
   * files among the inputs.
   */
  readonly by: 'annotation' | 'secret' | 'files';
  /** As the command gets them, without passwords. */
  readonly values: JsonObject;
  /** Names of inputs that are variables from the pod's Secret. */
  readonly passwords: readonly string[];
  /** Bytes of variables, of all together. */
  readonly longest?: number;
  /** As they came, for a successor, who may have to bring them. */
  readonly given?: JsonObject;
}

/**
 * All inputs as JSON, for `$RYAX_INPUTS`.
 * @throws AttemptFailure where a pod cannot take them
 */
export function inputsText(inputs: JsonObject): string {
  for (const [name, value] of Object.entries(inputs)) {
    const found = referenceIn(value);
    if (found !== undefined)
      throw unsuited(`The input ${name} holds ${found}, which a pod cannot take`, { input: name });
  }
  const text = JSON.stringify(inputs);
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostInputBytes) return text;
  throw unsuited(`The inputs take ${bytes} bytes as JSON, a pod takes at most ${mostInputBytes}`, {
    inputs: { asked: bytes, available: mostInputBytes },
  });
}

/** As the process driver has them, in the same order: a later one of the same name wins. */
export function podVariables(
  launch: Launch,
  container: Container,
  { values, passwords, longest }: Pick<CarriedInputs, 'values' | 'passwords' | 'longest'>,
  outputs: string,
): V1EnvVar[] {
  const secrets = Object.fromEntries(passwords.map((name) => [name, { name: podName(launch), key: name }]));
  const variables = {
    ...namedAsKubernetesMay(inputVariables(values, longest).variables),
    ...namedAsKubernetesMay(secrets),
    ...container.env,
    ...attemptVariables(launch),
    RYAX_INPUTS: `${inputsFolder}/${inputsFileName}`,
    RYAX_OUTPUTS: outputs,
  };
  return Object.entries(variables).map(([name, value]) =>
    typeof value === 'string' ? { name, value: literal(value) } : { name, valueFrom: { secretKeyRef: value } },
  );
}

/** Kubernetes replaces `$(NAME)` and halves `$$` in variables and commands, where a shell's `$(date)` and `$$` are meant. */
export function literal(text: string): string {
  if (text.includes('\0')) throw AttemptFailure.invalid('The command or its environment holds a zero byte');
  return text.replaceAll('$', '$$$$');
}

/** Not every version takes a name that begins with a digit. Such an input stands in `$RYAX_INPUTS` alone. */
function namedAsKubernetesMay<T>(variables: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !/^\d/.test(name)));
}

/** What a value holds that its executor would have to fetch; undefined when it is plain. */
function referenceIn(value: JsonValue): string | undefined {
  if (isFileReference(value)) return `a ${value.kind}`;
  if (isSecretReference(value)) return 'a secret';
  if (isValueReference(value)) return 'a value from the filestore';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const found = referenceIn(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unsuited(message: string, details: JsonObject): AttemptFailure {
  return new AttemptFailure({ kind: 'rejected', message, details });
}
