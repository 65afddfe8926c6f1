import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { limits, streamId, type IoDeclaration, type JsonObject, type JsonValue, type Outcome } from '@ryax/contracts';
import {
  ArchiveError,
  fitValues,
  packDirectory,
  type FileStore,
  type SecretPlace,
  type Secrets,
} from '@ryax/filestore';
import { codeOf } from '@ryax/platform';
import { note, type Attempt } from './attempt';
import { AttemptFailure } from './attempt-failure';
import { convertOutput, describeType } from './conversions';
import { mapPaths, UnfitValueError } from './references';
import type { Room } from './room';

export interface OutputTargets {
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly inlineValueBytes: number;
  /** Stores it, and again where that has failed for the moment. Without it once. */
  readonly patiently?: <T>(store: () => Promise<T>) => Promise<T>;
}

export interface Returned {
  readonly outputs: JsonObject;
  /** Relative paths are relative to it. */
  readonly workingDirectory: string;
}

/** Where the paths of an attempt lead. */
export type PathsOfAttempt = Pick<Room, 'resolve' | 'fromHost'>;

/**
 * Takes one attempt's outputs out of its room, checks them against their declarations and makes them fit a report.
 * Rejects with an AttemptFailure that names the output.
 */
export async function collectOutputs(
  targets: OutputTargets,
  room: PathsOfAttempt,
  { launch, sink }: Pick<Attempt, 'launch' | 'sink'>,
  declared: readonly IoDeclaration[],
  returned: Returned,
): Promise<Outcome> {
  const { project, runId, execution } = launch;
  const place = { streamId: streamId('run', project, runId), path: `executions.${execution}.outputs` };
  const outputs = await new OutputCollection(targets, room, returned, place).collect(declared);

  const names = new Set(declared.map(({ name }) => name));
  const undeclared = Object.keys(returned.outputs).filter((name) => !names.has(name));
  const warnings = undeclared
    .slice(0, mostWarnings)
    .map((name) => `The output ${name} is not declared and was ignored`);
  for (const warning of warnings) note(sink, warning);
  return { status: 'succeeded', outputs, ...(warnings.length > 0 ? { warnings } : {}) };
}

/** What a report holds besides its outputs: ids, the event's frame, warnings. */
const reportFrameBytes = 8 * 1024;
const mostWarnings = 20;

class OutputCollection {
  constructor(
    private readonly targets: OutputTargets,
    private readonly room: PathsOfAttempt,
    private readonly returned: Returned,
    /** Where a password output stands. */
    private readonly place: SecretPlace,
  ) {}

  async collect(declared: readonly IoDeclaration[]): Promise<JsonObject> {
    const outputs: JsonObject = {};
    for (const declaration of declared) {
      outputs[declaration.name] = await this.output(declaration, this.returned.outputs[declaration.name]);
    }
    const bounds = { valueBytes: this.targets.inlineValueBytes, totalBytes: limits.eventBytes - reportFrameBytes };
    return this.patiently(() => fitValues(this.targets.files, outputs, bounds));
  }

  private patiently<T>(store: () => Promise<T>): Promise<T> {
    return this.targets.patiently?.(store) ?? store();
  }

  private async output(declaration: IoDeclaration, returned: JsonValue | undefined): Promise<JsonValue> {
    const { name, type, optional } = declaration;
    // Of the types only `json` has a null of its own.
    if (returned === undefined || (returned === null && type !== 'json')) {
      if (optional === true) return null;
      throw AttemptFailure.invalid(`The output ${name} is required and was not returned`, { output: name });
    }
    const conversion = convertOutput(declaration, returned);
    if (!conversion.ok) {
      const message = `The output ${name}: expected ${conversion.expected}, found ${describeType(returned)}`;
      throw AttemptFailure.invalid(message, { output: name, expected: conversion.expected });
    }
    const { value } = conversion;
    if ((type === 'file' || type === 'directory') && typeof value === 'string') return this.stored(name, value, type);
    if (type === 'password' && typeof value === 'string') return this.sealed(name, value);
    return type === 'json' ? this.withFilesStored(name, value) : value;
  }

  private sealed(name: string, value: string): Promise<JsonValue> {
    const place = { ...this.place, path: `${this.place.path}.${name}` };
    return this.patiently(() => this.targets.secrets.put(place, value));
  }

  private async withFilesStored(name: string, value: JsonValue): Promise<JsonValue> {
    try {
      return await mapPaths(value, (path) => this.stored(name, path, 'either'));
    } catch (error) {
      if (!(error instanceof UnfitValueError)) throw error;
      throw AttemptFailure.invalid(`The output ${name}: ${error.message}`, { output: name });
    }
  }

  /** Copies, never moves: the path may be an input's, or be returned twice. */
  private async stored(name: string, returned: string, expected: 'file' | 'directory' | 'either'): Promise<JsonValue> {
    const wrong = (what: string) => wrongPath(name, returned, what);
    const path = resolve(this.returned.workingDirectory, returned);
    const { host, kind } = await this.find(path).catch((error: unknown) => {
      if (error instanceof AttemptFailure) throw error;
      throw wrong(
        codeOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${codeOf(error) ?? 'no reason given'})`,
      );
    });
    if (kind === 'other') throw wrong('is neither a file nor a directory');
    if (expected !== 'either' && expected !== kind) throw wrong(`is a ${kind}, expected a ${expected}`);
    try {
      const store = () => (kind === 'file' ? this.storeFile(host) : this.storeDirectory(host));
      const { hash, size } = await this.patiently(store);
      return { $file: hash, name: basename(path) || 'root', size, kind };
    } catch (error) {
      if (error instanceof ArchiveError) throw wrong(error.message);
      throw error;
    }
  }

  private async find(path: string): Promise<{ readonly host: string; readonly kind: 'file' | 'directory' | 'other' }> {
    const host = await this.room.resolve(path);
    const found = await stat(host);
    return { host, kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other' };
  }

  private async storeFile(host: string) {
    const content = createReadStream(host);
    try {
      return await this.targets.files.put(content);
    } finally {
      content.destroy();
    }
  }

  private storeDirectory(host: string) {
    return packDirectory(this.targets.files, host, { resolve: (path) => this.room.resolve(this.room.fromHost(path)) });
  }
}

/** The action has said something about a path that is not so: its author has to look. */
function wrongPath(output: string, path: string, what: string): AttemptFailure {
  const message = `The output ${output}: ${path} ${what}`;
  return new AttemptFailure({ kind: 'user', message, details: { output, path } });
}
