import { basename, join } from 'node:path';
import {
  isSecretReference,
  type FileReference,
  type IoDeclaration,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import { ArchiveError, unpackDirectory, type FileStore, type Secrets } from '@ryax/filestore';
import { AttemptFailure } from './attempt-failure';
import { convertInput, describeType } from './conversions';
import { mapFiles, UnfitValueError, ValueResolution } from './references';
import type { Room } from './room';
import type { ValueCache } from './value-cache';

export interface InputSources {
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly values: ValueCache;
  /** An output that travels inside a report; larger ones go through the filestore. */
  readonly inlineValueBytes: number;
}

export interface PreparedInputs {
  /** As the action gets them: files are paths, secrets are plain. */
  readonly values: JsonObject;
  /** To be masked in its output. */
  readonly secrets: readonly string[];
}

/** Where an attempt finds its files. Answers the paths by which the action knows them. */
export interface InputPlace {
  /** A copy of stored content under its name, which nobody else can change. */
  put(file: FileReference, name: string): Promise<string>;
  /** A file of the action's own. */
  ownFile(path: string): string;
}

/** The longest name that file systems take, and how much of a longer one is kept: its end, where the suffix is. */
const mostNameBytes = 255;
const keptCharacters = 60;

/** Puts one attempt's inputs into its room: references resolved, files copied, every value of its declared type. */
export class InputPreparation {
  private readonly secretValues: string[] = [];
  private readonly values: ValueResolution;

  constructor(
    private readonly sources: InputSources,
    private readonly place: InputPlace,
  ) {
    this.values = new ValueResolution(sources.values);
  }

  /** For a handler: each declared input is a key, and nothing else is. */
  async forHandler(declared: readonly IoDeclaration[], given: JsonObject): Promise<PreparedInputs> {
    const values: JsonObject = {};
    for (const declaration of declared) {
      values[declaration.name] = await this.declaredInput(declaration, given[declaration.name] ?? null);
    }
    return { values, secrets: this.secretValues };
  }

  /** For a command, which declares none: values as they are. */
  async forCommand(given: JsonObject): Promise<PreparedInputs> {
    const values: JsonObject = {};
    for (const [name, value] of Object.entries(given)) {
      values[name] = await this.placed(await this.revealed(name, value));
    }
    return { values, secrets: this.secretValues };
  }

  private async declaredInput(declaration: IoDeclaration, given: JsonValue): Promise<JsonValue> {
    const { name, type, optional, default_value: fallback = null } = declaration;
    const present = given ?? fallback;
    if (present === null) {
      if (optional === true) return null;
      throw AttemptFailure.invalid(`The input ${name} is required and has no value`, { input: name });
    }
    if (given === null && (type === 'file' || type === 'directory')) return this.ownFile(declaration);

    const value = type === 'password' ? await this.password(name, present) : await this.resolved(name, present);
    const conversion = convertInput(declaration, value);
    if (!conversion.ok) {
      const message = `The input ${name}: expected ${conversion.expected}, found ${describeType(value)}`;
      throw AttemptFailure.invalid(message, { input: name, expected: conversion.expected });
    }
    return type === 'file' || type === 'directory' || type === 'json'
      ? this.placed(conversion.value)
      : conversion.value;
  }

  /** A default value names a file of the action's own. */
  private ownFile({ name, default_value: path }: IoDeclaration): JsonValue {
    if (typeof path === 'string') return this.place.ownFile(path);
    throw AttemptFailure.invalid(`The input ${name}: expected a path as its default value`, { input: name });
  }

  private async password(name: string, value: JsonValue): Promise<JsonValue> {
    const plain = await this.revealed(name, value);
    if (plain === value && typeof plain === 'string') this.secretValues.push(plain);
    return plain;
  }

  /** A secret is resolved only where the whole value is one. */
  private async revealed(name: string, value: JsonValue): Promise<JsonValue> {
    if (!isSecretReference(value)) return this.resolved(name, value);
    const plain = await this.sources.secrets.read(value);
    this.secretValues.push(plain);
    return plain;
  }

  private async resolved(name: string, value: JsonValue): Promise<JsonValue> {
    try {
      return await this.values.resolve(value);
    } catch (error) {
      if (!(error instanceof UnfitValueError)) throw error;
      throw AttemptFailure.invalid(`The input ${name}: ${error.message}`, { input: name });
    }
  }

  /** Replaces references to files by paths: a whole value by its path, one inside a value by `{"$file": path}`. */
  private placed(value: JsonValue): Promise<JsonValue> {
    const put = async (file: FileReference) => {
      const path = await this.place.put(file, localName(file.name));
      return file === value ? path : { $file: path };
    };
    return mapFiles(value, put, this.values.referred);
  }
}

/** Names come from outside: only the last part of one may become part of a path. */
function localName(name: string): string {
  const last = basename(name).replaceAll('\0', '');
  if (last === '' || last === '.' || last === '..') return 'unnamed';
  return Buffer.byteLength(last) <= mostNameBytes ? last : last.slice(-keptCharacters);
}

/** A folder of this machine. */
export class RoomPlace implements InputPlace {
  constructor(
    private readonly files: FileStore,
    private readonly room: Room,
  ) {}

  ownFile(path: string): string {
    return join(this.room.work, path);
  }

  /** A copy under its original name: handlers make new names of it, and must not be able to change what is stored. */
  async put({ $file: hash, kind }: FileReference, name: string): Promise<string> {
    const path = join(await this.room.inputFolder(), name);
    if (kind === 'file') await this.files.copyTo(hash, path);
    else await unpackInput(this.files, hash, path);
    return path;
  }
}

/** Whoever has written the reference may have called something a directory that is none. */
export async function unpackInput(files: FileStore, hash: string, path: string, signal?: AbortSignal): Promise<void> {
  try {
    await unpackDirectory(files, hash, path, signal);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw AttemptFailure.invalid(`Expected a directory as the content ${hash}: ${error.message}`);
  }
}
