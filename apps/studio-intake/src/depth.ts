import { limits, type JsonValue } from '@ryax/contracts';

export const tooDeep = `expected at most ${limits.valueDepth} levels of nesting (valueDepth)`;

/** Beyond `valueDepth`. Walks without recursion, since what it looks for is what recursion cannot bear. */
export function isTooDeep(value: JsonValue): boolean {
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.valueDepth) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}
