import type { JsonValue } from '@ryax/contracts';
import { parseExpression, type ParsedExpression } from './expression/parse';
import type { Faults } from './faults';
import { at, type Place } from './place';

/** A value of a definition, read: its expressions are parsed, but nothing is known yet about what they refer to. */
export type Draft =
  | { readonly type: 'literal'; readonly value: JsonValue; readonly place: Place }
  | DraftExpression
  | { readonly type: 'list'; readonly items: readonly Draft[]; readonly place: Place }
  | { readonly type: 'object'; readonly fields: readonly (readonly [string, Draft])[]; readonly place: Place }
  /** An expression that cannot be read, which has been told. */
  | { readonly type: 'invalid'; readonly place: Place };

export interface DraftExpression {
  readonly type: 'expression';
  readonly parsed: ParsedExpression;
  readonly place: Place;
}

/** A string that starts with `=` is an expression at any depth; `==text` is the text `=text`. */
export function readDraft(value: JsonValue, place: Place, faults: Faults): Draft {
  if (typeof value === 'string') {
    return value.startsWith('=') ? readText(value, place, faults) : { type: 'literal', value, place };
  }
  if (typeof value !== 'object' || value === null) return { type: 'literal', value, place };
  return Array.isArray(value) ? readList(value, place, faults) : readObject(value, place, faults);
}

function readText(text: string, place: Place, faults: Faults): Draft {
  if (text.startsWith('==')) return { type: 'literal', value: text.slice(1), place };
  const parsed = parseExpression(text);
  if (parsed.ok) return { type: 'expression', parsed: parsed.expression, place };
  for (const reason of parsed.reasons) faults.add(place, reason);
  return { type: 'invalid', place };
}

function readList(values: readonly JsonValue[], place: Place, faults: Faults): Draft {
  const items = values.map((value, index) => readDraft(value, at(place, index), faults));
  const literals = items.flatMap((item) => (item.type === 'literal' ? [item.value] : []));
  return literals.length === items.length
    ? { type: 'literal', value: literals, place }
    : { type: 'list', items, place };
}

function readObject(value: { readonly [key: string]: JsonValue }, place: Place, faults: Faults): Draft {
  const fields = Object.entries(value).map(([key, each]) => [key, readDraft(each, at(place, key), faults)] as const);
  const literals = fields.flatMap(([key, field]) => (field.type === 'literal' ? [[key, field.value] as const] : []));
  return literals.length === fields.length
    ? { type: 'literal', value: Object.fromEntries(literals), place }
    : { type: 'object', fields, place };
}

/** Every expression in a value. */
export function expressionsIn(draft: Draft): readonly DraftExpression[] {
  switch (draft.type) {
    case 'expression':
      return [draft];
    case 'list':
      return draft.items.flatMap(expressionsIn);
    case 'object':
      return draft.fields.flatMap(([, field]) => expressionsIn(field));
    default:
      return [];
  }
}
