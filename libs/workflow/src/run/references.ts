import {
  isTooLarge,
  isValueReference,
  limits,
  tooDeep,
  tooLarge,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import { chain, collect, fault, need, value, type Evaluated } from './needs';
import { UnreadableValue, type Need, type ValueSource } from './run-aggregate';

export type Key = string | number;

/**
 * Steps into a value. A `$value` reference is not opened: the steps that lead on become part of it, and whoever
 * resolves it takes them. Null where there is no such field.
 */
export function select(from: JsonValue, keys: readonly Key[]): JsonValue {
  let at = from;
  for (let step = 0; step < keys.length; step++) {
    const key = keys[step] ?? '';
    if (isValueReference(at)) return deeper(at, keys.slice(step));
    if (typeof at !== 'object' || at === null) return null;
    at = (Array.isArray(at) ? at[Number(key)] : Object.hasOwn(at, key) ? at[key] : null) ?? null;
  }
  return at;
}

function deeper(reference: Reference, keys: readonly Key[]): JsonValue {
  const { count: _, ...rest } = reference;
  return { ...rest, path: [...(reference.path ?? []), ...keys] };
}

/** The value with every reference opened that stands on the way along `keys`, and all of them beyond it. */
export function openAlong(from: JsonValue, keys: readonly Key[], values: ValueSource): Evaluated {
  if (isValueReference(from)) return chain(open(from, values), (opened) => openAlong(opened, keys, values));
  const [key, ...rest] = keys;
  if (key === undefined) return openWhole(from, values);
  if (typeof from !== 'object' || from === null || Array.isArray(from)) return openWhole(from, values);
  const field = Object.hasOwn(from, key) ? from[key] : undefined;
  if (field === undefined) return value(from);
  return chain(openAlong(field, rest, values), (opened) => value(opened === field ? from : { ...from, [key]: opened }));
}

type Reference = JsonObject & { readonly $value: string; readonly path?: Key[] | undefined };

/** What a reference stands for, also where that is one again; more may stand in it. */
export function open(reference: Reference, values: ValueSource): Evaluated {
  let at: JsonValue = reference;
  while (isValueReference(at)) {
    const content = values.content(at.$value);
    if (content === undefined) return need({ type: 'content', hash: at.$value });
    if (content instanceof UnreadableValue) return fault(content.reason);
    at = select(content, at.path ?? []);
  }
  return value(at);
}

/** Each reference may be small, and what they stand for together endless: whoever reads it walks all of it. */
function openWhole(from: JsonValue, values: ValueSource): Evaluated {
  return chain(openAll(from, values), (opened) =>
    opened !== from && isTooLarge(opened) ? fault(tooLarge) : value(opened),
  );
}

/** What is read as a whole has its values two levels down: they stand in the outputs of an element, in a list. */
const deepest = limits.valueDepth + 2;

/** What was opened so far, by its depth and reference: of two ways to a value, the second takes no time. */
type Opened = Map<string, Evaluated>;

/**
 * In one pass, and the same value where nothing had to be opened. References lead to references: how deep that goes shows only
 * here.
 */
function openAll(from: JsonValue, values: ValueSource, depth = 0, known: Opened = new Map()): Evaluated {
  if (typeof from !== 'object' || from === null) return value(from);
  if (isValueReference(from)) return openOnce(from, values, depth, known);
  if (depth > deepest) return fault(tooDeep);
  const members = Array.isArray(from) ? from : Object.values(from);
  let changed: JsonValue[] | undefined;
  let needs: Need[] | undefined;
  for (const [index, member] of members.entries()) {
    if (typeof member !== 'object' || member === null) continue;
    const opened = openAll(member, values, depth + 1, known);
    if (opened.type === 'fault') return opened;
    if (opened.type === 'needs') collect((needs ??= []), opened.needs);
    else if (opened.value !== member) (changed ??= [...members])[index] = opened.value;
  }
  if (needs !== undefined) return { type: 'needs', needs };
  return value(changed === undefined ? from : withMembers(from, changed));
}

function openOnce(reference: Reference, values: ValueSource, depth: number, known: Opened): Evaluated {
  const key = JSON.stringify([depth, reference.$value, reference.path]);
  const before = known.get(key);
  if (before !== undefined) return before.type === 'needs' ? nothingMore : before;
  const opened = chain(open(reference, values), (found) => openAll(found, values, depth, known));
  known.set(key, opened);
  return opened;
}

/** It needs what the first way to it has asked for: said again each time, it would grow as the ways do. */
const nothingMore: Evaluated<never> = { type: 'needs', needs: [] };

function withMembers(of: JsonObject | JsonValue[], members: JsonValue[]): JsonValue {
  if (Array.isArray(of)) return members;
  return Object.fromEntries(Object.keys(of).map((key, index) => [key, members[index] ?? null]));
}
