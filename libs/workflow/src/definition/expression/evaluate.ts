import { isValueReference, type JsonObject, type JsonValue, type ValueReference } from '@ryax/contracts';
import type { Evaluation } from '../plan';
import { fieldsOf, type StaticType } from '../static-type';
import { meter } from './environment';
import type { Variable } from './lower';
import { withMaps } from './maps';
import { celSummary } from './parse';
import type { TypedPath } from './typed-path';

/**
 * Steps that one evaluation may take, a step being one part of an expression evaluated once: about a fifth of a second.
 * An `exists` over 100,000 elements with a condition of a dozen parts takes 1.2 million.
 */
export const stepsPerEvaluation = 4_000_000;

/** A value with its integers as BigInt: what CEL tells from doubles by. */
type Enter = (value: JsonValue) => unknown;

export function pathEvaluator(typed: TypedPath): (scope: JsonObject) => Evaluation {
  return (scope) => valueAt(scope, typed);
}

export function treeEvaluator(
  program: (context: object) => unknown,
  variables: readonly Variable[],
  fieldsRead: ReadonlySet<string> | null,
): (scope: JsonObject) => Evaluation {
  const entering = variables.map((variable) => ({ variable, enter: enterOf(variable.typed.type, fieldsRead) }));
  return (scope) => {
    // Without a prototype: `constructor` is no name that CEL finds.
    const context: Record<string, unknown> = { __proto__: null };
    for (const { variable, enter } of entering) {
      const found = valueForCel(scope, variable);
      if (!found.ok) return found;
      context[variable.name] = enter === null ? found.value : enter(found.value);
    }
    const evaluation = run(() => program(context));
    if (evaluation.ok || evaluation === tooMuch) return evaluation;
    // The library takes objects for what their `constructor` says: where one holds such a key, they enter as maps.
    const asMaps = withMaps(context);
    return asMaps === context ? evaluation : run(() => program(asMaps));
  };
}

function run(program: () => unknown): Evaluation {
  meter.start(stepsPerEvaluation);
  try {
    const result = program();
    // A loop such as `exists` goes on after an error and may still find an answer: it is not to be relied on.
    if (meter.isExhausted) return tooMuch;
    return { ok: true, value: leave(result) };
  } catch (error) {
    return meter.isExhausted ? tooMuch : { ok: false, reason: readable(celSummary(error)) };
  }
}

const tooMuch: Evaluation = {
  ok: false,
  reason: `takes more than ${stepsPerEvaluation} steps; do work of this size in an action`,
};

/** CEL's words for what it cannot do, in ours. */
export function readable(reason: string): string {
  return reason
    .replace(/dyn<([^<>]*)>/g, '$1')
    .replace(/^no such overload: /, 'cannot compute ')
    .replace(/^found no matching overload for '(.*)'/, 'cannot call $1')
    .replace(/^No such key: (?!index out of bounds)(.*)$/, 'there is no "$1"')
    .replace(/^No such key: /, '');
}

function valueForCel(scope: JsonObject, { celType, typed }: Variable): Evaluation {
  const found = valueAt(scope, typed);
  if (!found.ok) return found;
  const path = typed.path.join('.');
  if (isValueReference(found.value)) return { ok: false, reason: `the value of ${path} is not loaded` };
  return found.value === null && celType !== 'dyn' ? { ok: false, reason: `${path} is null` } : found;
}

/**
 * A null where something is declared (a skipped action, an optional output) makes all its fields null. A path into a
 * `$value` reference is that reference, further in: nothing has to be loaded to pass it on.
 */
export function valueAt(scope: JsonObject, { path, declared }: TypedPath): Evaluation {
  let value: JsonValue = scope;
  for (const [i, name] of path.entries()) {
    if (value === null && i < declared) return { ok: true, value: null };
    if (isValueReference(value)) return { ok: true, value: furtherIn(value, path.slice(i)) };
    const field = fieldOf(value, name);
    if (field === undefined && (i === 0 || i >= declared)) return { ok: false, reason: missing(path, i, value) };
    value = field ?? null;
  }
  return { ok: true, value };
}

function furtherIn({ $value, size, path = [] }: ValueReference, fields: readonly string[]): JsonValue {
  return { $value, size, path: [...path, ...fields] };
}

function fieldOf(value: JsonValue, name: string): JsonValue | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name) ? value[name] : undefined;
}

function missing(path: readonly string[], i: number, value: JsonValue): string {
  const parent = path.slice(0, i).join('.');
  if (i === 0) return `there is no value for ${path[0]}`;
  if (value === null) return `${parent} is null and has no "${path[i]}"`;
  return Array.isArray(value)
    ? `${parent} is a list and has no "${path[i]}": its elements may; write ${parent}.map(x, x.${path[i]})`
    : `${parent} has no "${path[i]}"`;
}

/**
 * How a value of this type enters CEL; null when it enters as it is. Only integers in fields that the text reads are
 * converted: `size(fits)` touches no element, however many there are.
 */
function enterOf(type: StaticType, fieldsRead: ReadonlySet<string> | null): Enter | null {
  if (type.kind === 'scalar' && type.type === 'integer') return enterInteger;
  if (type.kind === 'list') {
    const enter = enterOf(type.element, fieldsRead);
    return enter === null ? null : (value) => (Array.isArray(value) ? value.map(enter) : value);
  }
  const fields = [...(fieldsOf(type) ?? [])].flatMap(([name, field]) => {
    const enter = fieldsRead === null || fieldsRead.has(name) ? enterOf(field, fieldsRead) : null;
    return enter === null ? [] : [[name, enter] as const];
  });
  return fields.length === 0 ? null : (value) => enterFields(value, fields);
}

function enterInteger(value: JsonValue): unknown {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function enterFields(value: JsonValue, fields: readonly (readonly [string, Enter])[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entered: Record<string, unknown> = { ...value };
  for (const [name, enter] of fields) {
    const field = fieldOf(value, name);
    if (field !== undefined) entered[name] = enter(field);
  }
  return entered;
}

/** What CEL gives back, as JSON. */
function leave(value: unknown): JsonValue {
  meter.spend(1);
  switch (typeof value) {
    case 'bigint':
      return Number(value);
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`the result is ${value}, which is no JSON value`);
      return value;
    case 'string':
    case 'boolean':
      return value;
    default:
      return leaveComposite(value);
  }
}

function leaveComposite(value: unknown): JsonValue {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(leave);
  if (typeof value !== 'object') throw new Error('the result is no JSON value');
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value.entries() : Object.entries(value);
  return Object.fromEntries([...entries].map(([key, each]) => [String(key), leave(each)]));
}
