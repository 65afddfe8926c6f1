import type { JsonObject, JsonValue } from './json';
import { limits } from './limits';

export const tooDeep = `expected at most ${limits.valueDepth} levels of nesting (valueDepth)`;

type Composite = JsonValue[] | JsonObject;

/** A level of so many members may hold the same ones more than once. */
const narrow = 1_000;

/**
 * Beyond `valueDepth`. Walks without recursion, since what it looks for is what recursion cannot bear; and takes what stands in
 * several places of a level once, since aliases of YAML make values that contain themselves. That is looked for only where a
 * level has grown, and beyond what most values have: it is asked about every value that a run makes.
 */
export function isTooDeep(value: JsonValue): boolean {
  let level = isComposite(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === limits.valueDepth) return level.some((each) => Object.keys(each).length > 0);
    const next: Composite[] = [];
    for (const each of level) addComposites(each, next);
    level = next.length > Math.max(level.length, narrow) ? [...new Set(next)] : next;
  }
  return false;
}

function addComposites(of: Composite, found: Composite[]): void {
  if (Array.isArray(of)) {
    for (const item of of) if (isComposite(item)) found.push(item);
    return;
  }
  for (const key of Object.keys(of)) {
    const field = of[key];
    if (isComposite(field)) found.push(field);
  }
}

function isComposite(value: JsonValue | undefined): value is Composite {
  return typeof value === 'object' && value !== null;
}
