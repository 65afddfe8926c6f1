import type { JsonValue } from './json';
import { limits } from './limits';

export const tooDeep = `expected at most ${limits.valueDepth} levels of nesting (valueDepth)`;

/**
 * Beyond `valueDepth`. Walks without recursion, since what it looks for is what recursion cannot bear; and takes what stands in
 * several places of a level once, since aliases of YAML make values that contain themselves.
 */
export function isTooDeep(value: JsonValue): boolean {
  let level = new Set<JsonValue>([value]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > limits.valueDepth) return true;
    const next = new Set<JsonValue>();
    for (const each of level) {
      if (typeof each === 'object' && each !== null) for (const child of Object.values(each)) next.add(child);
    }
    level = next;
  }
  return false;
}
