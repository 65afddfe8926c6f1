import {
  isFileReference,
  isSecretReference,
  jsonBytes,
  isValueReference,
  limits,
  tooDeep,
  tooLarge,
  type FileReference,
  type JsonObject,
  type JsonValue,
  type ValueReference,
} from '@ryax/contracts';
import { AttemptFailure } from './attempt-failure';
import type { ValueCache } from './value-cache';

/** A value that nobody who gets it could take. */
export class UnfitValueError extends Error {}

interface Resolved {
  readonly value: JsonValue;
  /** Levels of nesting: none in what has no members. */
  readonly height: number;
}

/**
 * What the references of one launch stand for. They lead to further references, each of which may stand in several places: it is
 * resolved once, and how deep that nests shows only here.
 */
export class ValueResolution {
  private readonly opened = new Map<string, Promise<JsonValue>>();
  private readonly resolved = new Map<string, Promise<Resolved>>();
  private readonly wholes = new Set<string>();
  private wholeBytes = 0;
  private resolvedBytes = 0;
  /** What references stand for: it alone may stand in several places. */
  readonly referred = new WeakSet<JsonValue[] | JsonObject>();

  constructor(private readonly values: ValueCache) {}

  /**
   * Puts in the place of each `$value` reference, however deep, what it stands for. Not to be changed: parts may be the same.
   *
   * @throws UnfitValueError where that nests beyond `valueDepth`, or takes more than `valueBytes` with all that was resolved before
   */
  async resolve(value: JsonValue): Promise<JsonValue> {
    const resolved = (await this.resolveAt(value, 0)).value;
    this.resolvedBytes += jsonBytes(resolved);
    if (this.resolvedBytes > limits.valueBytes) throw new UnfitValueError(tooLarge);
    return resolved;
  }

  private async resolveAt(value: JsonValue, depth: number): Promise<Resolved> {
    if (!isContainer(value)) return { value, height: 0 };
    if (isValueReference(value)) return this.follow(value, depth);
    refuseBeyondDepth(value, depth);
    let height = 0;
    const resolved = await mapMembers(value, async (member) => {
      const of = await this.resolveAt(member, depth + 1);
      height = Math.max(height, of.height);
      return of.value;
    });
    return { value: resolved, height: hasMembers(value) ? height + 1 : 0 };
  }

  private async follow(reference: ValueReference, depth: number): Promise<Resolved> {
    if (reference.path === undefined) this.count(reference);
    const resolve = async () => this.resolveAt(await this.open(reference), depth);
    const resolved = await once(this.resolved, reference, resolve);
    if (isContainer(resolved.value)) this.referred.add(resolved.value);
    // It may have been met first where there was more room.
    if (depth + resolved.height > limits.valueDepth) throw new UnfitValueError(tooDeep);
    return resolved;
  }

  /** Contents that are given whole are counted before they are read: all of them may be more than there is memory. */
  private count({ $value: hash, size }: ValueReference): void {
    if (this.wholes.has(hash)) return;
    this.wholes.add(hash);
    this.wholeBytes += size;
    if (this.wholeBytes > limits.valueBytes) throw new UnfitValueError(tooLarge);
  }

  /** What it leads to, which is no reference; more may stand in it. */
  private open(reference: ValueReference): Promise<JsonValue> {
    return once(this.opened, reference, () => this.walk(reference));
  }

  private async walk(reference: ValueReference): Promise<JsonValue> {
    let at = await this.values.get(reference);
    for (const step of reference.path ?? []) {
      if (isValueReference(at)) at = await this.open(at);
      const next = memberOf(at, step);
      if (next === undefined) {
        const path = JSON.stringify(reference.path);
        throw AttemptFailure.invalid(`Expected a value at ${path} of ${reference.$value}, found none`);
      }
      at = next;
    }
    return isValueReference(at) ? this.open(at) : at;
  }
}

function once<T>(known: Map<string, Promise<T>>, { $value, path }: ValueReference, make: () => Promise<T>): Promise<T> {
  const key = JSON.stringify([$value, path]);
  const before = known.get(key);
  if (before !== undefined) return before;
  const made = make();
  known.set(key, made);
  return made;
}

/**
 * Calls `act` for each reference to a file or directory, however deep, and puts what it gives in its place.
 *
 * @param shared what may stand in several places: it is one in each of them, and stays one
 */
export async function mapFiles(
  value: JsonValue,
  act: (file: FileReference) => Promise<JsonValue>,
  shared: Pick<WeakSet<object>, 'has'>,
  known = new Map<JsonValue, JsonValue>(),
): Promise<JsonValue> {
  if (!isContainer(value)) return value;
  const before = known.get(value);
  if (before !== undefined) return before;
  const mapped = isFileReference(value)
    ? await act(value)
    : await mapMembers(value, (member) => mapFiles(member, act, shared, known));
  if (shared.has(value)) known.set(value, mapped);
  return mapped;
}

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
