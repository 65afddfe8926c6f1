import type { JsonObject, JsonValue } from '@ryax/contracts';

/** A definition is not judged before the engine has seen it: these look into it without expecting anything. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a path of keys; undefined where there is nothing. */
export function at(value: JsonValue | undefined, ...keys: readonly string[]): JsonValue | undefined {
  return keys.reduce<JsonValue | undefined>((found, key) => (isObject(found) ? found[key] : undefined), value);
}
