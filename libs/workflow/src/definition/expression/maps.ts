/**
 * The same value with each object that has a key named `constructor` as a Map: the CEL library tells kinds of objects
 * apart by that very property, and would refuse such an object as a class that it does not know. What holds none is
 * returned as it is.
 */
export function withMaps<T extends object>(value: T): T | Map<string, unknown>;
export function withMaps(value: unknown): unknown;
export function withMaps(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const entered = items.map(withMaps);
    return entered.every((item, index) => item === items[index]) ? value : entered;
  }
  const entries = Object.entries(value);
  const entered = entries.map(([key, item]) => [key, withMaps(item)] as const);
  if (Object.hasOwn(value, 'constructor')) return new Map(entered);
  const isSame = entered.every(([, item], index) => item === entries[index]?.[1]);
  return isSame ? value : Object.assign(Object.create(null) as object, Object.fromEntries(entered));
}
