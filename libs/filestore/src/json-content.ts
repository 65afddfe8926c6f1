import type { JsonObject, JsonValue, ValueReference } from '@ryax/contracts';
import type { FileStore, StoredContent } from './file-store';

/**
 * One text for each JSON value: keys in the order of their UTF-16 code units, no white space. Equal values have equal
 * text, so their content hash can stand for them.
 */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

/** Stores a value as canonical JSON: definitions, and values too large for a message. */
export function putJson(files: FileStore, value: JsonValue): Promise<StoredContent> {
  return files.put(canonicalJson(value));
}

export async function readJson(files: FileStore, hash: string): Promise<JsonValue> {
  const content = await files.read(hash);
  return JSON.parse(content.toString('utf8')) as JsonValue;
}

/** Bytes that a UTF-16 unit takes at most as UTF-8; a pair of them, as of most emojis, takes four. */
const mostBytesPerUnit = 3;
/** A number with its sign, point and exponent; true, false, null. */
const mostBytesOfScalar = 32;
/** Of a text inside JSON: `\u0000`. */
const mostBytesPerEscapedUnit = 6;

/** What a value takes as JSON at most, in bytes; cheap, as it is asked of every input. */
export function mostJsonBytes(value: JsonValue): number {
  if (typeof value === 'string') return value.length * mostBytesPerEscapedUnit + 2;
  if (typeof value !== 'object' || value === null) return mostBytesOfScalar;
  return JSON.stringify(value).length * mostBytesPerUnit;
}

/** Whether a value takes more bytes than that as JSON. Only what could is measured exactly. */
export function isLargerThan(value: JsonValue, bytes: number): boolean {
  return mostJsonBytes(value) > bytes && Buffer.byteLength(JSON.stringify(value)) > bytes;
}

/** Stores a value and gives back what travels in its place. */
export async function putValue(files: FileStore, value: JsonValue): Promise<ValueReference & JsonObject> {
  const { hash, size } = await putJson(files, value);
  return Array.isArray(value) ? { $value: hash, size, count: value.length } : { $value: hash, size };
}
