import type { JsonObject, JsonValue } from '@ryax/contracts';
import type { Need, ValueSource } from './run-aggregate';
import type { StoredValue } from './stored-value';

/** A value, or what must be loaded before it can be told, or why there can never be one. */
export type Evaluated<T = JsonValue> =
  | { readonly type: 'value'; readonly value: T }
  | { readonly type: 'needs'; readonly needs: readonly Need[] }
  | { readonly type: 'fault'; readonly reason: string };

export function value<T>(of: T): Evaluated<T> {
  return { type: 'value', value: of };
}

export function fault(reason: string): Evaluated<never> {
  return { type: 'fault', reason };
}

export function need(one: Need): Evaluated<never> {
  return { type: 'needs', needs: [one] };
}

/** All of them, or the first fault, or everything that any of them needs. */
export function all<T>(parts: Iterable<Evaluated<T>>): Evaluated<T[]> {
  const values: T[] = [];
  const needs: Need[] = [];
  for (const part of parts) {
    if (part.type === 'fault') return part;
    if (part.type === 'needs') collect(needs, part.needs);
    else values.push(part.value);
  }
  return needs.length > 0 ? { type: 'needs', needs } : value(values);
}

/** There may be one for each of 100,000 elements: too many to be arguments. */
export function collect(into: Need[], more: readonly Need[]): void {
  for (const one of more) into.push(one);
}

export function chain<T, U>(first: Evaluated<T>, next: (value: T) => Evaluated<U>): Evaluated<U> {
  return first.type === 'value' ? next(first.value) : first;
}

/** A value of the state; null where there is none. */
export function load(stored: StoredValue, values: ValueSource): Evaluated<JsonObject | null> {
  if (typeof stored !== 'number') return value(stored);
  const loaded = values.event(stored);
  return loaded === undefined ? need({ type: 'event', version: stored }) : value(loaded);
}
