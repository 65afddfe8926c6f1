import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault, JsonValue } from '@ryax/contracts';
import { readYaml, YamlError } from '@ryax/yaml';
import { WrongUseError } from '../errors';
import { at } from '../upload/json';
import { kindOf } from '../upload/local-files';

/** What an image needs to know of an action. The metadata as a whole is judged by the engine, when the action is published. */
export interface ActionFolder {
  readonly path: string;
  readonly id: string;
  readonly version: string;
  readonly runtime: ActionRuntime;
  /** Such as `3.11`, where the action asks for one. */
  readonly pythonVersion: string | undefined;
}

export type ActionRuntime = 'python3' | 'nodejs';

const metadataName = 'ryax_metadata.yaml';
const entryNames: Readonly<Record<ActionRuntime, string>> = { python3: 'ryax_handler.py', nodejs: 'ryax_handler.js' };
/** What the engine takes an action without a version for. */
const unversioned = '0.0.0';

export async function readActionFolder(path: string): Promise<ActionFolder> {
  if ((await kindOf(path)) !== 'directory') throw new WrongUseError(`Expected an action folder ${path}, found none`);
  const metadata = await readMetadata(path);
  const faults: Fault[] = [];
  const id = at(metadata, 'spec', 'id');
  if (!isId(id)) faults.push({ path: 'spec.id', reason: 'expected 3 to 24 lower-case letters, digits, . or -' });
  const version = at(metadata, 'spec', 'version') ?? unversioned;
  if (typeof version !== 'string')
    faults.push({ path: 'spec.version', reason: 'expected a string; write it in quotes' });
  const runtime = runtimeOf(at(metadata, 'spec', 'type'));
  if (runtime === undefined)
    faults.push({ path: 'spec.type', reason: 'expected python3, python3-cuda or nodejs: others have no image' });
  else if ((await kindOf(join(path, entryNames[runtime]))) !== 'file')
    faults.push({ path: entryNames[runtime], reason: 'expected the code of the action, found no such file' });
  const pythonVersion = pythonVersionOf(metadata);
  if (pythonVersion !== undefined && !isPythonVersion(pythonVersion))
    faults.push({ path: 'spec.options["python.version"]', reason: 'expected a version in quotes, such as "3.12"' });
  const kind = at(metadata, 'kind');
  if (kind !== 'Processor' && kind !== 'Publisher')
    faults.push({ path: 'kind', reason: 'expected Processor or Publisher: triggers have no image' });
  if (faults.length > 0 || !isId(id) || typeof version !== 'string' || runtime === undefined)
    throw new WrongUseError(`No image can be built of ${path}`, faults);
  return { path, id, version, runtime, pythonVersion };
}

async function readMetadata(folder: string): Promise<JsonValue> {
  const path = join(folder, metadataName);
  if ((await kindOf(path)) !== 'file')
    throw new WrongUseError(`Expected an action in ${folder}, found no ${metadataName}`);
  try {
    return readYaml(await readFile(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new WrongUseError(`${path} is not well-formed YAML`, [{ path: '', reason: error.shown }]);
  }
}

function isId(id: JsonValue | undefined): id is string {
  return typeof id === 'string' && /^[a-z0-9.-]{3,24}$/.test(id);
}

function runtimeOf(type: JsonValue | undefined): ActionRuntime | undefined {
  if (type === 'nodejs') return 'nodejs';
  return type === 'python3' || type === 'python3-cuda' ? 'python3' : undefined;
}

function pythonVersionOf(metadata: JsonValue): string | undefined {
  const version = at(metadata, 'spec', 'options', 'python.version');
  if (version === undefined || version === null) return undefined;
  return typeof version === 'string' ? version : JSON.stringify(version);
}

/** Unquoted, YAML reads 3.10 as 3.1. */
function isPythonVersion(version: string): boolean {
  return /^3\.\d{1,2}(\.\d{1,2})?$/.test(version) && version !== '3.1';
}
