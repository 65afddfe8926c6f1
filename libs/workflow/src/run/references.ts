import { isValueReference, type JsonObject, type JsonValue } from '@ryax/contracts';
import { all, chain, fault, need, value, type Evaluated } from './needs';
import { missingContent, type ValueSource } from './run-aggregate';

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

function deeper(reference: JsonObject & { readonly path?: Key[] | undefined }, keys: readonly Key[]): JsonValue {
  const { count: _, ...rest } = reference;
  return { ...rest, path: [...(reference.path ?? []), ...keys] };
}

/** The value with every reference opened that stands on the way along `keys`, and all of them beyond it. */
export function openAlong(from: JsonValue, keys: readonly Key[], values: ValueSource): Evaluated {
  if (isValueReference(from)) return chain(open(from, values), (opened) => openAlong(opened, keys, values));
  const [key, ...rest] = keys;
  if (key === undefined) return openAll(from, values);
  if (typeof from !== 'object' || from === null || Array.isArray(from)) return openAll(from, values);
  const field = Object.hasOwn(from, key) ? from[key] : undefined;
  if (field === undefined) return value(from);
  return chain(openAlong(field, rest, values), (opened) => value(opened === field ? from : { ...from, [key]: opened }));
}

/** What one reference stands for; more references may stand in it. */
export function open(
  reference: JsonObject & { readonly $value: string; readonly path?: Key[] | undefined },
  values: ValueSource,
): Evaluated {
  const content = values.content(reference.$value);
  if (content === undefined) return need({ type: 'content', hash: reference.$value });
  if (content === missingContent) return fault(`${reference.$value} is not in the filestore`);
  return value(select(content, reference.path ?? []));
}

function openAll(from: JsonValue, values: ValueSource): Evaluated {
  if (typeof from !== 'object' || from === null) return value(from);
  if (isValueReference(from)) return chain(open(from, values), (opened) => openAll(opened, values));
  if (!holdsReference(from)) return value(from);
  if (Array.isArray(from)) return all(from.map((item) => openAll(item, values)));
  const keys = Object.keys(from);
  return chain(all(keys.map((key) => openAll(from[key] ?? null, values))), (opened) =>
    value(Object.fromEntries(keys.map((key, index) => [key, opened[index] ?? null]))),
  );
}

function holdsReference(from: JsonValue): boolean {
  if (typeof from !== 'object' || from === null) return false;
  if (Array.isArray(from)) return from.some(holdsReference);
  return Object.hasOwn(from, '$value') || Object.values(from).some(holdsReference);
}
