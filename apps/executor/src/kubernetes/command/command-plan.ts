import { z } from 'zod';
import {
  ioDeclarationSchema,
  isSecretReference,
  type IoDeclaration,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import { fitValues } from '@ryax/filestore';
import { inputVariables } from '../../process/environment';
import { InputPreparation, type InputPlace, type InputSources } from '../../process/inputs';
import { inputsFileName, inputsFolder, mostInputBytes, type CarriedInputs } from '../pod-inputs';
import type { ContainerLaunch } from '../pod-spec';

/** What is to be done for one attempt of a command, known before its pod is. */
export interface CommandPlan {
  readonly carried: CarriedInputs;
  /** Why files have to come into its pod or out of it; undefined when they need not. */
  readonly needsFiles: string | undefined;
  /** What a Secret has to hold; undefined without passwords. */
  readonly secret: Readonly<Record<string, string>> | undefined;
  /** To be masked in its output. */
  readonly secrets: readonly string[];
  /** Inputs that stand in the file alone, as no variable can hold them. */
  readonly tooLong: readonly string[];
  readonly outputs: readonly IoDeclaration[];
}

/** What a successor needs of the inputs stands on the pod: large ones go to the filestore. */
const givenBytes = { valueBytes: 16 * 1024, totalBytes: 64 * 1024 };
/** Of variables in a pod, which is itself an object of limited size. */
const longestPodEnvironment = mostInputBytes;

/** Says how the inputs of a command come into its pod. Nothing is put anywhere yet, but large values into the filestore. */
export async function planCommand({ inputs, action }: ContainerLaunch, sources: InputSources): Promise<CommandPlan> {
  const place = new PlannedFiles();
  const prepared = await new InputPreparation(sources, place).forCommand(inputs);
  const outputs = z.array(ioDeclarationSchema).parse(action.outputs);
  const passwords = Object.keys(inputs).filter((name) => isSecretReference(inputs[name] ?? null));
  const text = JSON.stringify(prepared.values);

  const needsFiles = filesNeeded(place, outputs, Buffer.byteLength(text));
  const { variables, tooLong } = inputVariables(prepared.values, longestPodEnvironment);
  const by = needsFiles !== undefined ? 'files' : passwords.length > 0 ? 'secret' : 'annotation';
  const isPlain = by === 'annotation';
  const shown = passwords.filter((name) => name in variables);
  const secret = {
    ...Object.fromEntries(shown.map((name) => [name, variables[name] ?? ''])),
    ...(by === 'secret' && { [inputsFileName]: text }),
  };
  return {
    carried: {
      by,
      values: without(prepared.values, passwords),
      passwords: shown,
      longest: longestPodEnvironment,
      ...(!isPlain && { given: await given(inputs, passwords, sources) }),
    },
    needsFiles,
    secret: passwords.length > 0 ? secret : undefined,
    secrets: prepared.secrets,
    tooLong,
    outputs,
  };
}

function filesNeeded(place: PlannedFiles, outputs: readonly IoDeclaration[], bytes: number): string | undefined {
  if (place.count > 0) return 'The command takes files';
  const returned = outputs.find(({ type }) => type === 'file' || type === 'directory');
  if (returned !== undefined) return `The command returns the ${returned.type} ${returned.name}`;
  if (bytes <= mostInputBytes) return undefined;
  return `The inputs take ${bytes} bytes as JSON, of which a pod itself takes at most ${mostInputBytes}: they need a file`;
}

async function given(inputs: JsonObject, passwords: readonly string[], { files }: InputSources): Promise<JsonObject> {
  const fitted = await fitValues(files, without(inputs, passwords), givenBytes);
  // In their order: it says where files lie.
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, fitted[name] ?? value]));
}

function without(values: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

/** Says where files will lie, in the order in which they will be put. */
class PlannedFiles implements InputPlace {
  count = 0;

  ownFile(path: string): string {
    return path;
  }

  put(_file: JsonValue, name: string): Promise<string> {
    return Promise.resolve(`${inputsFolder}/${++this.count}/${name}`);
  }
}
