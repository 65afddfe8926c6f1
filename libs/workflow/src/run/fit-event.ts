import { jsonBytes, limits, type JsonObject, type JsonValue, type ValueReference } from '@ryax/contracts';
import { value, type Evaluated } from './needs';
import type { Need, ValueSource } from './run-aggregate';

/** Room that an event's other fields may take. */
const ENVELOPE_BYTES = 16 * 1024;

/**
 * Values that the run made itself, of such a size that an event can hold them. What is too large is written to the
 * filestore by the caller before the append (PROTOCOLS §9), under a name that is the same each time it is decided, and
 * stands in the event as a reference.
 */
export function fitEvent(values: ValueSource, owner: string, outputs: JsonObject): Evaluated<JsonObject> {
  const bySize = Object.entries(outputs).map(([name, output]) => ({ name, output, bytes: jsonBytes(output) }));
  bySize.sort((a, b) => b.bytes - a.bytes);
  let total = bySize.reduce((sum, { name, bytes }) => sum + name.length + 4 + bytes, 0);
  const fitted: JsonObject = { ...outputs };
  const needs: Need[] = [];
  for (const { name, output, bytes } of bySize) {
    if (bytes <= limits.inlineValueBytes && total <= limits.eventBytes - ENVELOPE_BYTES) break;
    const storedName = `${owner}:${name}`;
    const reference = values.stored(storedName);
    if (reference === undefined) needs.push({ type: 'store', name: storedName, value: output });
    else fitted[name] = asJson(reference, output);
    total -= bytes;
  }
  return needs.length > 0 ? { type: 'needs', needs } : value(fitted);
}

function asJson({ $value, size, path }: ValueReference, of: JsonValue): JsonObject {
  return { $value, size, ...(path === undefined ? {} : { path }), ...(Array.isArray(of) ? { count: of.length } : {}) };
}
