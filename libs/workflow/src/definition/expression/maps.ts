/**
 * The same value with each object that has a key named `constructor` as a Map: the CEL library tells kinds of objects
 * apart by that very property, and would refuse such an object as a class that it does not know. What holds none is
 * returned as it is. What stands in several places is looked at once.
 */
export function withMaps<T extends object>(value: T): T | Map<string, unknown> {
  return withKnown(value, new Map()) as T | Map<string, unknown>;
}

function withKnown(value: unknown, known: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const before = known.get(value);
  if (before !== undefined) return before;
  const entered = enter(value, known);
  known.set(value, entered);
  return entered;
}

function enter(value: object, known: Map<object, unknown>): unknown {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const entered = items.map((item) => withKnown(item, known));
    return entered.every((item, index) => item === items[index]) ? value : entered;
  }
  const entries = Object.entries(value);
  const entered = entries.map(([key, item]) => [key, withKnown(item, known)] as const);
  if (Object.hasOwn(value, 'constructor')) return new Map(entered);
  const isSame = entered.every(([, item], index) => item === entries[index]?.[1]);
  return isSame ? value : Object.assign(Object.create(null) as object, Object.fromEntries(entered));
}
