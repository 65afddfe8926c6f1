import type { JsonObject, JsonValue } from './json';
import { limits } from './limits';

export const tooDeep = `expected at most ${limits.valueDepth} levels of nesting (valueDepth)`;

type Composite = JsonValue[] | JsonObject;

/** With fewer members a look is cheaper than remembering. */
const large = 1_000;

/** So few plain members are looked at again sooner than found in a table. */
const few = 8;

/** Of large values, which nobody changes: a list that a thousand elements are given is walked once. */
const knownHeights = new WeakMap<Composite, number>();

/**
 * Beyond `valueDepth`, or containing itself. Recurses no further than that. What stands in several places is walked once as soon as
 * there is much of it: outputs that refer to one another make small values that are endless when they are written out.
 */
export function isTooDeep(value: JsonValue): boolean {
  return isComposite(value) && new Walk().heightOf(value, 0) > limits.valueDepth;
}

class Walk {
  private walked = 0;
  private readonly known = new Map<Composite, number>();

  /** Levels below it; endless where that is more than there may be at this depth. */
  heightOf(composite: Composite, depth: number): number {
    if (depth > limits.valueDepth) return Infinity;
    const known = this.known.get(composite) ?? knownHeights.get(composite);
    if (known !== undefined) return known + depth > limits.valueDepth ? Infinity : known;
    const members = Array.isArray(composite) ? composite : Object.values(composite);
    this.walked += 1 + members.length;
    const height = this.heightOver(members, depth);
    if (height === Infinity) return height;
    if (members.length >= large) knownHeights.set(composite, height);
    else if (this.walked >= large && (height > 1 || members.length > few)) this.known.set(composite, height);
    return height;
  }

  private heightOver(members: readonly JsonValue[], depth: number): number {
    let height = members.length === 0 ? 0 : 1;
    for (const member of members) {
      if (!isComposite(member)) continue;
      height = Math.max(height, 1 + this.heightOf(member, depth + 1));
      if (height + depth > limits.valueDepth) return Infinity;
    }
    return height;
  }
}

function isComposite(value: JsonValue): value is Composite {
  return typeof value === 'object' && value !== null;
}
