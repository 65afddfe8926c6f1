import {
  isFileReference,
  isSecretReference,
  isValueReference,
  type Fault,
  type IoDeclaration,
  type IoType,
  type JsonObject,
  type JsonValue,
} from '@ryax/contracts';
import { describeIoType, describeValue, quotedList } from './describe';
import { Faults } from './faults';
import { Suggester } from './near-name';
import { at, type Place } from './place';

/**
 * Values against declarations, at both ends of an action. Where a value comes from decides what is made of it:
 * - `definition`: written by hand, so it has to be right as it stands;
 * - `input`: forms and command lines send everything as text, which is converted;
 * - `output`: handlers return what their language has, such as a dictionary for a text.
 */
export type ValueOrigin = 'definition' | 'input' | 'output';

export type CheckedValue =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly reason: string };

export type CheckedValues =
  /** Every declared name has a value: given, default, or null where it is optional. */
  | { readonly ok: true; readonly value: JsonObject; readonly ignored: readonly string[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** The inputs of a run or execution, with defaults put in and text converted. An unknown name is a fault. */
export function checkInputs(declarations: readonly IoDeclaration[], inputs: JsonObject): CheckedValues {
  return checkValues(declarations, inputs, 'input');
}

/** What an action returned. Names that it did not declare are ignored, and listed. */
export function checkOutputs(declarations: readonly IoDeclaration[], outputs: JsonObject): CheckedValues {
  return checkValues(declarations, outputs, 'output');
}

function checkValues(
  declarations: readonly IoDeclaration[],
  values: JsonObject,
  origin: 'input' | 'output',
): CheckedValues {
  const faults = new Faults();
  const names = new Set(declarations.map(({ name }) => name));
  const others = Object.keys(values).filter((name) => !names.has(name));
  if (origin === 'input') {
    for (const name of others) faults.add(at(null, name), `unknown input${faults.didYouMean(name, names)}`);
  }
  const checked = declarations.map((declaration) => {
    const given = Object.hasOwn(values, declaration.name) ? values[declaration.name] : undefined;
    return [declaration.name, checkOne(declaration, given, origin, at(null, declaration.name), faults)] as const;
  });
  return faults.isEmpty
    ? { ok: true, value: Object.fromEntries(checked), ignored: others }
    : { ok: false, faults: faults.list };
}

function checkOne(
  declaration: IoDeclaration,
  value: JsonValue | undefined,
  origin: 'input' | 'output',
  place: Place,
  faults: Faults,
): JsonValue {
  if (value === undefined || value === null) return checkAbsent(declaration, value, origin, place, faults);
  const checked = checkValue(declaration, value, origin);
  if (checked.ok) return checked.value;
  faults.add(place, checked.reason);
  return null;
}

/** What is absent and what is null are one, as handlers see it; only `json` has null among its values. */
function checkAbsent(
  declaration: IoDeclaration,
  value: null | undefined,
  origin: 'input' | 'output',
  place: Place,
  faults: Faults,
): JsonValue {
  const { default_value = null, type } = declaration;
  if (default_value !== null) return checkOne(declaration, default_value, 'input', place, faults);
  const isValue = type === 'json' && value === null;
  if (isRequired(declaration) && !isValue) faults.add(place, `required ${origin} is missing`);
  return null;
}

/** Whether a value has to be given: it is neither optional nor has it a default. */
export function isRequired({ optional, default_value }: IoDeclaration): boolean {
  return optional !== true && (default_value ?? null) === null;
}

/** One value, not null, against its declaration. A `$value` reference is judged where it is opened. */
export function checkValue(declaration: IoDeclaration, value: JsonValue, origin: ValueOrigin): CheckedValue {
  if (isValueReference(value)) return accepted(value);
  const { type } = declaration;
  switch (type) {
    case 'string':
    case 'longstring':
      return checkText(value, type, origin);
    case 'password':
      return isSecretReference(value) ? accepted(value) : checkText(value, type, origin);
    case 'enum':
      return checkEnum(value, declaration);
    case 'integer':
    case 'float':
      return checkNumber(value, type, origin);
    case 'boolean':
      return checkBoolean(value, origin);
    case 'file':
    case 'directory':
      return checkFile(value, type);
    case 'json':
      return accepted(value);
    default:
      return type satisfies never;
  }
}

function accepted(value: JsonValue): CheckedValue {
  return { ok: true, value };
}

function refused(type: IoType, value: JsonValue, hint = ''): CheckedValue {
  return { ok: false, reason: `expected ${describeIoType(type)}, found ${describeValue(value)}${hint}` };
}

function checkText(value: JsonValue, type: IoType, origin: ValueOrigin): CheckedValue {
  if (typeof value === 'string') return accepted(value);
  if (origin === 'output' && typeof value === 'object' && !isReference(value)) return accepted(JSON.stringify(value));
  return refused(type, value, origin === 'definition' && typeof value !== 'object' ? `; write "${String(value)}"` : '');
}

function isReference(value: JsonValue): boolean {
  return isFileReference(value) || isSecretReference(value);
}

function checkEnum(value: JsonValue, { type, enum_values = [] }: IoDeclaration): CheckedValue {
  if (typeof value !== 'string') return refused(type, value);
  if (enum_values.includes(value)) return accepted(value);
  const hint = new Suggester().didYouMean(value, enum_values);
  return { ok: false, reason: `expected one of ${quotedList(enum_values)}, found ${JSON.stringify(value)}${hint}` };
}

/** What a 64-bit integer holds; CEL has no more. */
const largestInteger = 2 ** 63;

function checkNumber(value: JsonValue, type: 'integer' | 'float', origin: ValueOrigin): CheckedValue {
  const number = origin === 'input' ? numberIn(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    const isQuoted = origin === 'definition' && typeof numberIn(value) === 'number';
    return refused(type, value, isQuoted ? '; write it without quotes' : '');
  }
  const fits = type === 'float' || (Number.isInteger(number) && Math.abs(number) < largestInteger);
  return fits ? accepted(number) : refused(type, value);
}

/** No two parts compete for one character: what is no number is refused in one pass. */
const numberText = /^\s*[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;
/** Characters: room for every digit of the smallest of doubles, which are 1,074 behind its point. */
const longestNumber = 1_200;

/** The number that a text stands for; anything else as it is. */
function numberIn(value: JsonValue): JsonValue {
  return typeof value === 'string' && value.length <= longestNumber && numberText.test(value) ? Number(value) : value;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

function checkBoolean(value: JsonValue, origin: ValueOrigin): CheckedValue {
  if (typeof value === 'boolean') return accepted(value);
  const meant = typeof value === 'string' ? booleans.get(value.trim().toLowerCase()) : undefined;
  if (meant !== undefined && origin === 'input') return accepted(meant);
  return refused('boolean', value, meant !== undefined && origin === 'definition' ? '; write it without quotes' : '');
}

function checkFile(value: JsonValue, type: 'file' | 'directory'): CheckedValue {
  if (isFileReference(value)) {
    return value.kind === type
      ? accepted({ ...value })
      : { ok: false, reason: `expected a ${type}, found a ${value.kind}` };
  }
  return typeof value === 'string'
    ? {
        ok: false,
        reason: `expected a ${type} that has been uploaded, found the path ${JSON.stringify(value)}; use \`ryax deploy\` or \`ryax run\`, which upload`,
      }
    : refused(type, value);
}
