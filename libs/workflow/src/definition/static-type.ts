import type { IoDeclaration, IoType } from '@ryax/contracts';
import { describeIoType, describeType, quotedList } from './describe';

/**
 * What is known about a value before any run. `unknown` is any JSON (an input of type `json`, what a `noop` gives back):
 * it is judged at run time.
 */
export type StaticType =
  | { readonly kind: 'unknown'; readonly hasPassword: boolean }
  | {
      readonly kind: 'scalar';
      readonly type: ScalarType;
      readonly values?: readonly string[];
      readonly nullable: boolean;
    }
  | ({ readonly kind: 'list'; readonly element: StaticType } & Composite)
  | ({ readonly kind: 'object'; readonly fields: ReadonlyMap<string, StaticType> } & Composite);
export type ScalarType = Exclude<IoType, 'json'>;

interface Composite {
  readonly nullable: boolean;
  /** Whether a password stands in it, at any depth. */
  readonly hasPassword: boolean;
  readonly depth: number;
}

/** Groups that give out one another's outputs nest types without end: deeper ones are not known. */
const deepestType = 16;

export const unknownType: StaticType = { kind: 'unknown', hasPassword: false };

export function scalar(type: ScalarType, nullable = false): StaticType {
  return { kind: 'scalar', type, nullable };
}

export function listOf(element: StaticType): StaticType {
  const composite = compositeOf([element]);
  return composite.depth > deepestType
    ? { kind: 'unknown', hasPassword: composite.hasPassword }
    : { kind: 'list', element, ...composite };
}

export function objectOf(entries: Iterable<readonly [string, StaticType]>): StaticType {
  const fields = new Map(entries);
  const composite = compositeOf(fields.values());
  return composite.depth > deepestType
    ? { kind: 'unknown', hasPassword: composite.hasPassword }
    : { kind: 'object', fields, ...composite };
}

function compositeOf(parts: Iterable<StaticType>): Composite {
  let hasPassword = false;
  let depth = 1;
  for (const part of parts) {
    hasPassword ||= holdsPassword(part);
    if (part.kind === 'list' || part.kind === 'object') depth = Math.max(depth, part.depth + 1);
  }
  return { nullable: false, hasPassword, depth };
}

/** True when a password is it, or stands in it at any depth. */
export function holdsPassword(type: StaticType): boolean {
  return type.kind === 'scalar' ? type.type === 'password' : type.hasPassword;
}

/** The value that a declared input or output has once it is there: null only where it is optional. */
export function typeOfDeclaration(declaration: IoDeclaration): StaticType {
  if (declaration.type === 'json') return unknownType;
  const nullable = declaration.optional === true && (declaration.default_value ?? null) === null;
  const values = declaration.type === 'enum' ? declaration.enum_values : undefined;
  return { kind: 'scalar', type: declaration.type, nullable, ...(values === undefined ? {} : { values }) };
}

export function isNullable(type: StaticType): boolean {
  return type.kind === 'unknown' || type.nullable;
}

export function orNull(type: StaticType, nullable = true): StaticType {
  return nullable && type.kind !== 'unknown' && !type.nullable ? { ...type, nullable } : type;
}

/** What an expression may read of a file or directory. */
const fileFields: ReadonlyMap<string, StaticType> = new Map([
  ['name', scalar('string')],
  ['size', scalar('integer')],
  ['kind', scalar('string')],
]);

/** Null where the type has no fields; undefined where nothing is known about them. */
export function fieldsOf(type: StaticType): ReadonlyMap<string, StaticType> | null | undefined {
  switch (type.kind) {
    case 'unknown':
      return undefined;
    case 'object':
      return type.fields;
    case 'scalar':
      return type.type === 'file' || type.type === 'directory' ? fileFields : null;
    case 'list':
      return null;
    default:
      return type satisfies never;
  }
}

/**
 * Why a value of this type can never be what `declaration` says, or null when it can. Whether it is, is checked again at
 * run time: a float may be integral, a string one of the enum's values.
 */
export function whyNotAssignable(type: StaticType, declaration: IoDeclaration): string | null {
  if (holdsPassword(type)) return declaration.type === 'password' && type.kind === 'scalar' ? null : passwordReason;
  if (type.kind === 'unknown' || declaration.type === 'json') return null;
  const expected = `expected ${describeIoType(declaration.type)}, found ${describeType(type)}`;
  if (type.kind !== 'scalar') return expected;
  if (!acceptedBy[declaration.type].includes(type.type)) return expected;
  return whyNoCommonValue(type.values, declaration);
}

export const passwordReason =
  'is a password: it may only be passed whole to an input of type password, or of a container';

function whyNoCommonValue(values: readonly string[] | undefined, { enum_values }: IoDeclaration): string | null {
  if (values === undefined || enum_values === undefined || values.some((value) => enum_values.includes(value))) {
    return null;
  }
  return `expected one of ${quotedList(enum_values)}, found one of ${quotedList(values)}`;
}

const text: readonly ScalarType[] = ['string', 'longstring', 'enum'];
const acceptedBy: Readonly<Record<ScalarType, readonly ScalarType[]>> = {
  string: text,
  longstring: text,
  enum: text,
  password: text,
  integer: ['integer', 'float'],
  float: ['integer', 'float'],
  boolean: ['boolean'],
  file: ['file'],
  directory: ['directory'],
};
