/**
 * Arrays as PostgreSQL's text, for statements that take hundreds of rows: pg itself converts each element by a chain of type
 * checks, and Buffers by way of two copies.
 */

export function integerArray(values: readonly (number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

export function booleanArray(values: readonly boolean[]): string {
  return `{${values.join(',')}}`;
}

export function textArray(values: readonly string[]): string {
  return values.length === 0 ? '{}' : `{"${values.map(escaped).join('","')}"}`;
}

/** @param digits hexadecimal ones */
export function bytea(digits: string): string {
  return String.raw`\x${digits}`;
}

/** @param values in hexadecimal digits */
export function byteaArray(values: readonly string[]): string {
  return values.length === 0 ? '{}' : String.raw`{"\\x${values.join(String.raw`","\\x`)}"}`;
}

function escaped(value: string): string {
  return value.includes('"') || value.includes('\\') ? value.replace(/["\\]/g, String.raw`\$&`) : value;
}

/** ASCII's record separator: in a JSON text it can only stand escaped (RFC 7464 uses it for the same reason). */
const recordSeparator = '\u001e';

/**
 * JSON texts as one text without any escaping; in the statement they are told apart again by {@link jsonTexts}.
 *
 * @param values at least one: none could not be told from one that is empty
 */
export function joinedJson(values: readonly string[]): string {
  return values.join(recordSeparator);
}

/** SQL: the `text[]` of a parameter made by {@link joinedJson}. */
export function jsonTexts(parameter: string): string {
  return String.raw`string_to_array(${parameter}::text, E'\x1e')`;
}

export function isJoinable(json: string): boolean {
  return !json.includes(recordSeparator);
}
