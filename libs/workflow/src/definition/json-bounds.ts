import { limits } from '@ryax/contracts';
import type { Faults } from './faults';
import { at, type Place } from './place';

/** How deep a document may nest. What comes after recurses, and must not run out of stack. */
const deepest = 100;

/**
 * Whether a value is JSON and of a bearable size. A YAML parser also gives `NaN`, dates, and objects that contain
 * themselves or, by aliases, one another a billion times.
 */
export function checkJson(document: unknown, faults: Faults): boolean {
  const waiting: { value: unknown; place: Place; depth: number }[] = [{ value: document, place: null, depth: 0 }];
  // Every value takes at least one byte of text.
  let remaining: number = limits.definitionBytes;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, place, depth } = next;
    if (remaining-- === 0)
      return refuse(faults, null, `has more than ${limits.definitionBytes} values (definitionBytes)`);
    if (depth > deepest) return refuse(faults, place, `is nested more than ${deepest} levels deep`);
    const children = childrenOf(value);
    if (children === undefined) return refuse(faults, place, `expected a JSON value, found ${nameOf(value)}`);
    for (const [key, child] of children) waiting.push({ value: child, place: at(place, key), depth: depth + 1 });
  }
  return true;
}

function refuse(faults: Faults, place: Place, reason: string): false {
  faults.add(place, reason);
  return false;
}

/** Empty for a scalar, undefined for what is no JSON. */
function childrenOf(value: unknown): readonly (readonly [string | number, unknown])[] | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return [];
    case 'number':
      return Number.isFinite(value) ? [] : undefined;
    case 'object':
      if (value === null) return [];
      if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const);
      return isPlain(value) ? Object.entries(value) : undefined;
    default:
      return undefined;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function nameOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : typeof value;
}
