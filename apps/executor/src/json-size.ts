import type { JsonValue } from '@ryax/contracts';

/** About how long a value is as JSON, in UTF-16 units. A walk, not a serialisation: this is on the path of every report. */
export function jsonSize(value: JsonValue): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 2;
  if (Array.isArray(value)) {
    for (const item of value) size += jsonSize(item) + 1;
    return size;
  }
  for (const key in value) size += key.length + 4 + jsonSize(value[key] ?? null);
  return size;
}
