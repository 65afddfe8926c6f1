import type { JsonObject, JsonValue } from './json';
import { limits } from './limits';

export const tooLarge = `expected at most ${limits.valueBytes} bytes as JSON (valueBytes)`;

type Composite = JsonValue[] | JsonObject;

/** What is smaller is walked again sooner than it is found in a table. */
const rememberedSize = 200;

/** With so many members, it is remembered beyond one walk. */
const large = 1_000;

/** A number, true, false, null. */
const scalarSize = 4;

/** Of large values, which nobody changes: a list that a thousand elements are given is walked once. */
const knownSizes = new WeakMap<Composite, number>();

/**
 * Beyond `valueBytes` when it is written out, about: a text counts its UTF-16 units, as which it is kept in memory. What stands in
 * several places counts at each of them and is walked once: outputs that refer to one another twice double with each step.
 *
 * @param value no deeper than `valueDepth`
 */
export function isTooLarge(value: JsonValue): boolean {
  return sizeOf(value, new Map()) > limits.valueBytes;
}

function sizeOf(value: JsonValue, known: Map<Composite, number>): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return scalarSize;
  const before = known.get(value) ?? knownSizes.get(value);
  if (before !== undefined) return before;
  const members = Array.isArray(value) ? value : Object.values(value);
  let size = 2 + members.length;
  for (const member of members) size += sizeOf(member, known);
  if (!Array.isArray(value)) for (const key in value) size += key.length + 3;
  if (members.length >= large) knownSizes.set(value, size);
  else if (size > rememberedSize) known.set(value, size);
  return size;
}
