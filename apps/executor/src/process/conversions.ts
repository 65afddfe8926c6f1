import { isFileReference, isSecretReference, type IoDeclaration, type JsonValue } from '@ryax/contracts';

/** The value as its declaration wants it, or what would have been wanted. */
export type Conversion =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly expected: string };

/**
 * An input as its declaration promises it to the handler, which does arithmetic at once. Static values and parts of forms
 * are strings, whatever they mean: they are read as the declared type.
 */
export function convertInput(declaration: IoDeclaration, value: JsonValue): Conversion {
  switch (declaration.type) {
    case 'string':
    case 'longstring':
    case 'password':
      return isReference(value) ? mismatch('string') : converted(textOf(value));
    case 'enum':
      return enumValue(declaration, textOf(value));
    case 'integer':
      return integer(numberOf(value));
    case 'float':
      return finite(numberOf(value));
    case 'boolean':
      return boolean(value);
    case 'file':
    case 'directory':
      return reference(declaration.type, value);
    case 'json':
      return converted(value);
    default:
      return declaration.type satisfies never;
  }
}

/**
 * An output as its declaration promises it downstream: liberal where languages differ (an int for a float, 3.0 for an
 * integer, a dict for a text), strict where a conversion would hide a mistake. Paths are checked by who collects them.
 */
export function convertOutput(declaration: IoDeclaration, value: JsonValue): Conversion {
  switch (declaration.type) {
    case 'string':
    case 'longstring':
    case 'password':
      return typeof value === 'object' ? converted(JSON.stringify(value)) : text(value);
    case 'enum':
      return enumValue(declaration, value);
    case 'integer':
      return integer(value);
    case 'float':
      return finite(value);
    case 'boolean':
      return typeof value === 'boolean' ? converted(value) : mismatch('boolean');
    case 'file':
    case 'directory':
      return typeof value === 'string' && value !== ''
        ? converted(value)
        : mismatch('the path of a ' + declaration.type);
    case 'json':
      return converted(value);
    default:
      return declaration.type satisfies never;
  }
}

/** A value's type in words, for messages. Never the value: it may be a secret. */
export function describeType(value: JsonValue): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isFileReference(value)) return `a ${value.kind}`;
  if (isSecretReference(value)) return 'a secret';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a number';
  return typeof value === 'boolean' ? 'a boolean' : 'a string';
}

function converted(value: JsonValue): Conversion {
  return { ok: true, value };
}

function mismatch(expected: string): Conversion {
  return { ok: false, expected };
}

function text(value: JsonValue): Conversion {
  return typeof value === 'string' ? converted(value) : mismatch('string');
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a number's text means, or the value itself. */
function numberOf(value: JsonValue): JsonValue {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
}

function integer(value: JsonValue): Conversion {
  return typeof value === 'number' && Number.isSafeInteger(value) ? converted(value) : mismatch('integer');
}

function finite(value: JsonValue): Conversion {
  return typeof value === 'number' && Number.isFinite(value) ? converted(value) : mismatch('float');
}

function boolean(value: JsonValue): Conversion {
  if (typeof value === 'boolean') return converted(value);
  const word = typeof value === 'string' || typeof value === 'number' ? String(value).trim().toLowerCase() : '';
  if (['true', '1', 'yes', 'on'].includes(word)) return converted(true);
  return ['false', '0', 'no', 'off'].includes(word) ? converted(false) : mismatch('boolean');
}

function enumValue({ enum_values: allowed = [] }: IoDeclaration, value: JsonValue): Conversion {
  return typeof value === 'string' && allowed.includes(value)
    ? converted(value)
    : mismatch(`one of ${allowed.join(', ')}`);
}

/** What stands for a file or a secret is neither a text nor to be seen as one. */
function isReference(value: JsonValue): boolean {
  return isFileReference(value) || isSecretReference(value);
}

function reference(kind: 'file' | 'directory', value: JsonValue): Conversion {
  return isFileReference(value) && value.kind === kind ? converted(value) : mismatch(kind);
}
