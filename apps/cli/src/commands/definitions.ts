import type { Fault, JsonValue } from '@ryax/contracts';
import type { Context } from '../context';
import { RefusedError, WrongUseError } from '../errors';
import { readDefinition } from '../upload/definition-file';
import { uploadDefinition, type UploadedDefinition } from '../upload/upload-definition';

export async function validate(context: Context, path: string): Promise<void> {
  const definition = await uploaded(context, path);
  const { workflow_id: id, warnings } = await ask(definition, () => context.engine.validate(definition.definition));
  for (const { path: place, reason } of warnings) context.terminal.note(`warning: ${place}: ${reason}`);
  context.terminal.write(`${path} is a valid definition of the workflow ${id}\n`);
}

export async function deploy(context: Context, path: string): Promise<void> {
  const definition = await uploaded(context, path);
  const { workflow_id: id, version } = await ask(definition, () => context.engine.deploy(definition.definition));
  context.terminal.write(`Deployed ${id}, version ${version}\n`);
  context.terminal.note(`Run it with: ryax run ${id} --watch`);
}

/** Reads a definition and uploads what it names. What cannot be uploaded is shown with everything else that is wrong. */
export async function uploaded(context: Context, path: string): Promise<UploadedDefinition> {
  const file = await readDefinition(path);
  const definition = await uploadDefinition(context.engine, file);
  for (const warning of definition.warnings) context.terminal.note(`warning: ${warning}`);
  if (definition.faults.length === 0) return definition;
  const known = new Set(definition.faults.map((fault) => fault.path));
  const others = await faultsOf(context, definition.definition);
  const faults = [...definition.faults, ...others.filter((fault) => !known.has(fault.path))];
  throw new WrongUseError(`${file.path} cannot be used`, localised(faults, definition.folders));
}

/** What the engine refuses is told in the words of the file: `./clean`, not the hash that stands for it. */
export async function ask<T>({ folders }: UploadedDefinition, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new RefusedError(error.status, error.message, localised(error.details, folders), error.advice);
  }
}

async function faultsOf({ engine }: Context, definition: JsonValue): Promise<readonly Fault[]> {
  try {
    await engine.validate(definition);
    return [];
  } catch (error) {
    if (error instanceof RefusedError) return error.details;
    throw error;
  }
}

function localised(faults: readonly Fault[], folders: ReadonlyMap<string, string>): Fault[] {
  return faults.map(({ path, reason }) => ({
    path,
    reason: reason.replace(/sha256:[0-9a-f]{64}/g, (hash) => folders.get(hash) ?? hash),
  }));
}
