import {
  isFileReference,
  isSecretReference,
  isValueReference,
  limits,
  tooDeep,
  type FileReference,
  type JsonObject,
  type JsonValue,
  type ValueReference,
} from '@ryax/contracts';
import { AttemptFailure } from './attempt-failure';
import type { ValueCache } from './value-cache';

/** Puts in the place of each `$value` reference, however deep, what it stands for. */
export async function resolveValues(value: JsonValue, values: ValueCache): Promise<JsonValue> {
  if (!isContainer(value)) return value;
  if (isValueReference(value)) return resolveValues(await follow(value, values), values);
  return mapMembers(value, (member) => resolveValues(member, values));
}

/** Calls `act` for each reference to a file or directory, however deep, and puts what it gives in its place. */
export async function mapFiles(value: JsonValue, act: (file: FileReference) => Promise<JsonValue>): Promise<JsonValue> {
  if (!isContainer(value)) return value;
  if (isFileReference(value)) return act(value);
  return mapMembers(value, (member) => mapFiles(member, act));
}

/** A value that an action has returned and that nobody downstream could take. */
export class UnfitValueError extends Error {}

/**
 * Calls `act` for each `{"$file": path}` that an action has left in a value. References of other kinds are ours to make:
 * one that an action could make up would be resolved to what it was never given.
 */
export async function mapPaths(
  value: JsonValue,
  act: (path: string) => Promise<JsonValue>,
  depth = 0,
): Promise<JsonValue> {
  if (!isContainer(value)) return value;
  refuseBeyondDepth(value, depth);
  if (isSecretReference(value) || isValueReference(value)) {
    throw new UnfitValueError('an object with the key $secret or $value cannot be returned by an action');
  }
  if (!Array.isArray(value) && typeof value['$file'] === 'string') return act(value['$file']);
  return mapMembers(value, (member) => mapPaths(member, act, depth + 1));
}

function refuseBeyondDepth(value: JsonValue[] | JsonObject, depth: number): void {
  if (depth >= limits.valueDepth && hasMembers(value)) throw new UnfitValueError(tooDeep);
}

async function follow(reference: ValueReference, values: ValueCache): Promise<JsonValue> {
  let at = await values.get(reference);
  for (const step of reference.path ?? []) {
    if (isValueReference(at)) at = await follow(at, values);
    const next = memberOf(at, step);
    if (next === undefined) {
      const path = JSON.stringify(reference.path);
      throw AttemptFailure.invalid(`Expected a value at ${path} of ${reference.$value}, found none`);
    }
    at = next;
  }
  return at;
}

function memberOf(value: JsonValue, step: string | number): JsonValue | undefined {
  if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return value[step];
}

function isContainer(value: JsonValue): value is JsonValue[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

function hasMembers(value: JsonValue[] | JsonObject): boolean {
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
}

/** In order, one after the other: values are small, and files are copied without a crowd. */
async function mapMembers(
  value: JsonValue[] | JsonObject,
  act: (member: JsonValue) => Promise<JsonValue>,
): Promise<JsonValue> {
  if (Array.isArray(value)) {
    const items: JsonValue[] = [];
    for (const item of value) items.push(isContainer(item) ? await act(item) : item);
    return items;
  }
  const members: [string, JsonValue][] = [];
  for (const [key, member] of Object.entries(value))
    members.push([key, isContainer(member) ? await act(member) : member]);
  return Object.fromEntries(members);
}
