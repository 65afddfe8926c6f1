import type { IoType } from '@ryax/contracts';
import type { StaticType } from './static-type';

/** How reasons name what was expected and what was found. */

const article = (word: string): string => `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;

/** `an integer`, `a list`. */
export function describeType(type: StaticType): string {
  switch (type.kind) {
    case 'unknown':
      return 'any value';
    case 'scalar':
      return article(type.type);
    case 'list':
      return 'a list';
    case 'object':
      return 'an object';
    default:
      return type satisfies never;
  }
}

export function describeIoType(type: IoType): string {
  return type === 'json' ? 'a JSON value' : article(type);
}

/** `the string "7"`, `a list`. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the string ${JSON.stringify(shortened(value))}`;
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const longestQuote = 60;

function shortened(text: string): string {
  return text.length > longestQuote ? `${text.slice(0, longestQuote - 3)}…` : text;
}

export function quotedList(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}
