import { resolve } from 'node:path';
import type { Fault, JsonObject, JsonValue } from '@ryax/contracts';
import type { Engine } from '../engine/engine';
import { RefusedError } from '../errors';
import type { DefinitionFile } from './definition-file';
import { archiveFolder } from './folder-archive';
import { at, isObject } from './json';
import { kindOf, uploadPath } from './local-files';

export interface UploadedDefinition {
  /** With what was local replaced by what the engine knows. */
  readonly definition: JsonValue;
  /** Local folders by the content hash that stands for them now. */
  readonly folders: ReadonlyMap<string, string>;
  /** What could not be uploaded, at its place. */
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

/**
 * Uploads what a definition names on this machine: action folders (`action: ./clean`) and default values of file and
 * directory outputs of its trigger. Paths are relative to the definition.
 */
export async function uploadDefinition(
  engine: Engine,
  { definition, folder }: DefinitionFile,
): Promise<UploadedDefinition> {
  return new Upload(engine, folder).whole(definition);
}

class Upload {
  private readonly hashes = new Map<string, string>();
  private readonly faults: Fault[] = [];
  private readonly warnings: string[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly folder: string,
  ) {}

  async whole(definition: JsonValue): Promise<UploadedDefinition> {
    const spec = at(definition, 'spec');
    const uploaded =
      isObject(definition) && isObject(spec) ? { ...definition, spec: await this.spec(spec) } : definition;
    const folders = new Map([...this.hashes].map(([reference, hash]) => [hash, reference]));
    return { definition: uploaded, folders, faults: this.faults, warnings: this.warnings };
  }

  private async spec(spec: JsonObject): Promise<JsonObject> {
    const uploaded = { ...spec };
    for (const list of ['actions', 'finally']) {
      const entries = spec[list];
      if (Array.isArray(entries)) uploaded[list] = await this.entries(entries, `spec.${list}`);
    }
    const outputs = at(spec, 'trigger', 'outputs');
    if (isObject(spec['trigger']) && Array.isArray(outputs)) {
      uploaded['trigger'] = { ...spec['trigger'], outputs: await this.outputs(outputs) };
    }
    return uploaded;
  }

  private async entries(entries: readonly JsonValue[], path: string): Promise<JsonValue[]> {
    const uploaded: JsonValue[] = [];
    for (const [index, entry] of entries.entries()) uploaded.push(await this.entry(entry, `${path}[${index}]`));
    return uploaded;
  }

  private async entry(entry: JsonValue, path: string): Promise<JsonValue> {
    if (!isObject(entry)) return entry;
    const { action, actions } = entry;
    if (Array.isArray(actions)) return { ...entry, actions: await this.entries(actions, `${path}.actions`) };
    if (typeof action !== 'string' || !isLocalPath(action)) return entry;
    return { ...entry, action: (await this.action(action, `${path}.action`)) ?? action };
  }

  /** The content hash of an action folder; undefined when there is none, and a fault says so. */
  private async action(reference: string, path: string): Promise<string | undefined> {
    const known = this.hashes.get(reference);
    if (known !== undefined) return known;
    const folder = resolve(this.folder, reference);
    if ((await kindOf(folder)) !== 'directory') {
      this.faults.push({ path, reason: `expected an action folder ${folder}, found none` });
      return undefined;
    }
    return this.refusable(path, async () => {
      const uploaded = await this.engine.uploadAction(archiveFolder(folder), false);
      this.warnings.push(...uploaded.warnings.map((warning) => `${reference}: ${warning}`));
      this.hashes.set(reference, uploaded.content_hash);
      return uploaded.content_hash;
    });
  }

  private async outputs(outputs: readonly JsonValue[]): Promise<JsonValue[]> {
    const uploaded: JsonValue[] = [];
    for (const [index, output] of outputs.entries()) {
      const local = localDefault(output);
      const path = `spec.trigger.outputs[${index}].default_value`;
      const value = local === undefined ? undefined : await this.file(resolve(this.folder, local), path);
      uploaded.push(isObject(output) && value !== undefined ? { ...output, default_value: value } : output);
    }
    return uploaded;
  }

  private async file(file: string, path: string): Promise<JsonObject | undefined> {
    if ((await kindOf(file)) === undefined) {
      this.faults.push({ path, reason: `expected a file or folder ${file}, found none` });
      return undefined;
    }
    return this.refusable(path, () => uploadPath(this.engine, file));
  }

  /** A refused content is a fault like any other, so that all of them can be shown at once. */
  private async refusable<T>(path: string, upload: () => Promise<T>): Promise<T | undefined> {
    try {
      return await upload();
    } catch (error) {
      if (!(error instanceof RefusedError) || ![400, 413].includes(error.status)) throw error;
      const reasons = error.details.length === 0 ? [error.message] : error.details.map(inside);
      this.faults.push(...reasons.map((reason) => ({ path, reason })));
      return undefined;
    }
  }
}

function isLocalPath(reference: string): boolean {
  return /^\.{0,2}\//.test(reference);
}

/** The path that a file's or directory's default value is; undefined when it is something else. */
function localDefault(output: JsonValue): string | undefined {
  const type = at(output, 'type');
  const value = at(output, 'default_value');
  return (type === 'file' || type === 'directory') && typeof value === 'string' ? value : undefined;
}

function inside({ path, reason }: Fault): string {
  return path === '' ? reason : `${path}: ${reason}`;
}
