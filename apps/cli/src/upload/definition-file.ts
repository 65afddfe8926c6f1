import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fault, JsonValue } from '@ryax/contracts';
import { readYaml, YamlError } from '@ryax/yaml';
import { WrongUseError } from '../errors';
import { kindOf } from './local-files';

/** A definition as it was written, and the folder that its local paths start from. */
export interface DefinitionFile {
  readonly path: string;
  readonly folder: string;
  readonly definition: JsonValue;
}

/** Names that a folder's definition may have. */
const defaultNames = ['workflow.yaml', 'workflow.yml', 'workflow.json'];

/** What `run` was given is a definition and no workflow's id when it looks like a path, or is one. */
export async function isDefinitionPath(text: string): Promise<boolean> {
  return /[/\\]|\.(ya?ml|json)$/.test(text) || (await kindOf(text)) !== undefined;
}

/** Reads a definition (YAML or JSON), or the one of a folder. Only its syntax is judged here; the rest is the engine's. */
export async function readDefinition(given: string): Promise<DefinitionFile> {
  const path = await locate(given);
  const text = await readFile(path, 'utf8');
  try {
    return { path, folder: dirname(path), definition: readYaml(text) };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const fault: Fault = { path: '', reason: error.shown };
    throw new WrongUseError(`${path} is not well-formed YAML or JSON`, [fault]);
  }
}

async function locate(given: string): Promise<string> {
  const kind = await kindOf(given);
  if (kind === 'file') return given;
  if (kind === undefined) throw new WrongUseError(`Expected a definition at ${given}, found no such file`);
  for (const name of defaultNames) {
    if ((await kindOf(join(given, name))) === 'file') return join(given, name);
  }
  throw new WrongUseError(`Expected one of ${defaultNames.join(', ')} in ${given}, found none`);
}
