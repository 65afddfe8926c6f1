import type { JsonObject, JsonValue } from './json';
import { limits } from './limits';

export const tooLarge = `expected at most ${limits.valueBytes} bytes as JSON (valueBytes)`;

type Composite = JsonValue[] | JsonObject;

/** What is smaller is walked again sooner than it is found in a table. */
const rememberedBytes = 200;

/** With so many members, it is remembered beyond one walk. */
const large = 1_000;

/** Of large values, which nobody changes: a list that a thousand elements are given is walked once. */
const knownBytes = new WeakMap<Composite, number>();

/** Beyond `valueBytes` when it is written out. */
export function isTooLarge(value: JsonValue): boolean {
  return jsonBytes(value) > limits.valueBytes;
}

/**
 * What a value takes as JSON; of what takes more than `valueBytes` only that. What stands in several places counts at each of them and is
 * walked once: outputs that refer twice to one another double with each step.
 *
 * @param value no deeper than `valueDepth`
 */
export function jsonBytes(value: JsonValue): number {
  return new Walk().bytesOf(value);
}

/** What is left of so many bytes after a text inside JSON, without its quotes; some negative number as soon as it does not fit. */
export function roomAfterText(text: string, room: number): number {
  let left = room - text.length;
  for (let index = 0; index < text.length && left >= 0; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x80) left -= escapeBytes[code] ?? 0;
    else if (code < 0x800) left -= 1;
    else if (code < 0xd800 || code > 0xdfff) left -= 2;
    else if (isPair(text, index)) {
      // Four bytes for its two units.
      left -= 2;
      index++;
    } else left -= 5;
  }
  return left;
}

/** What escaping adds to each character of ASCII: `"`, `\` and those with a letter of their own one, other controls five (`\u0000`). */
const escapeBytes = Uint8Array.from(
  { length: 0x80 },
  (_, code) => JSON.stringify(String.fromCharCode(code)).length - 3,
);

/** Half a pair is escaped as a control is. */
function isPair(text: string, index: number): boolean {
  const [high, low] = [text.charCodeAt(index), text.charCodeAt(index + 1)];
  return high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
}

class Walk {
  private known: Map<Composite, number> | undefined;

  bytesOf(value: JsonValue): number {
    if (typeof value === 'string') return bytesOfText(value) + 2;
    if (typeof value === 'number') return String(value).length;
    if (typeof value !== 'object' || value === null) return value === false ? 5 : 4;
    const before = this.known?.get(value) ?? knownBytes.get(value);
    if (before !== undefined) return before;
    const bytes = Array.isArray(value) ? this.bytesOfList(value) : this.bytesOfObject(value);
    if (bytes > rememberedBytes && bytes <= limits.valueBytes) this.remember(value, bytes);
    return bytes;
  }

  private bytesOfList(list: readonly JsonValue[]): number {
    let bytes = Math.max(2, 1 + list.length);
    for (const item of list) if ((bytes += this.bytesOf(item)) > limits.valueBytes) break;
    return bytes;
  }

  private bytesOfObject(object: JsonObject): number {
    let bytes = 1;
    for (const key in object) {
      bytes += bytesOfText(key) + 4 + this.bytesOf(object[key] ?? null);
      if (bytes > limits.valueBytes) break;
    }
    return Math.max(2, bytes);
  }

  private remember(value: Composite, bytes: number): void {
    const members = Array.isArray(value) ? value.length : Object.keys(value).length;
    if (members >= large) knownBytes.set(value, bytes);
    else (this.known ??= new Map()).set(value, bytes);
  }
}

function bytesOfText(text: string): number {
  return limits.valueBytes - roomAfterText(text, limits.valueBytes);
}
