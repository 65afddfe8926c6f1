import { z } from 'zod';
import { describeValue, quotedList } from './describe';
import type { Faults } from './faults';
import { at, type Place } from './place';

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/**
 * Says in our words what a schema found wrong. Unknown fields are compared with those that the schema has at that
 * place; of a union's branches only the one that was meant is reported.
 */
export function reportIssues(issues: readonly Issue[], place: Place, schema: Schema, faults: Faults): void {
  for (const issue of issues) reportIssue(issue, at(place, ...keysOf(issue)), schemaAt(schema, issue.path), faults);
}

function keysOf(issue: Issue): (string | number)[] {
  return issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
}

function reportIssue(issue: Issue, place: Place, schema: Schema | undefined, faults: Faults): void {
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) {
        faults.add(at(place, key), `unknown field${faults.didYouMean(key, fieldsOf(schema))}`);
      }
      return;
    case 'invalid_union':
      return reportUnion(issue, place, schema, faults);
    case 'invalid_key':
      faults.add(place, issue.issues[0]?.message ?? 'is no valid name');
      return;
    case 'invalid_value':
      faults.add(place, notAmong(issue.values, issue.input, faults));
      return;
    default:
      faults.add(place, reasonOf(issue));
  }
}

function reasonOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is required'
        : `expected ${nouns[issue.expected] ?? issue.expected}, found ${describeValue(issue.input)}`;
    case 'too_small':
      return `expected ${issue.inclusive === true ? 'at least' : 'more than'} ${counted(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === true ? 'at most' : 'less than'} ${counted(issue.maximum, issue.origin)}`;
    default:
      return issue.message;
  }
}

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function counted(count: number | bigint, origin: string): string {
  const unit = { string: 'character', array: 'element' }[origin];
  return unit === undefined ? String(count) : `${count} ${unit}${count === 1 ? '' : 's'}`;
}

function notAmong(values: readonly unknown[], found: unknown, faults: Faults): string {
  if (found === undefined) return 'is required';
  const names = values.map((value) => String(value));
  const hint = typeof found === 'string' && names.length > 1 ? faults.didYouMean(found, names) : '';
  const expected = quotedList(names);
  return `expected ${names.length === 1 ? '' : 'one of '}${expected}, found ${describeValue(found)}${hint}`;
}

/** The branch that was meant is the one whose faults lie inside the value; when all say "wrong type", so do we. */
function reportUnion(issue: UnionIssue, place: Place, schema: Schema | undefined, faults: Faults): void {
  const inner = schema === undefined ? undefined : unwrapped(schema);
  const options = inner instanceof z.ZodUnion ? inner.options : [];
  const meant = issue.errors.findIndex((branch) => !branch.some(isWrongType));
  const branch = issue.errors[meant];
  const option = options[meant];
  if (branch !== undefined && option !== undefined) reportIssues(branch, place, option, faults);
  else if (issue.input === undefined) faults.add(place, 'is required');
  else
    faults.add(
      place,
      `expected ${[...new Set(expectedTypes(issue))].join(' or ')}, found ${describeValue(issue.input)}`,
    );
}

type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

function isWrongType(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code === 'invalid_type';
}

function expectedTypes(issue: UnionIssue): readonly string[] {
  return issue.errors
    .flat()
    .flatMap((each) => (each.code === 'invalid_type' ? [nouns[each.expected] ?? each.expected] : []));
}

function schemaAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  return path.reduce<Schema | undefined>((each, key) => (each === undefined ? undefined : step(each, key)), schema);
}

function step(schema: Schema, key: PropertyKey): Schema | undefined {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) return shapeOf(inner)[String(key)];
  if (inner instanceof z.ZodArray) return inner.element;
  if (inner instanceof z.ZodRecord) return inner.valueType;
  return inner instanceof z.ZodUnion
    ? inner.options.map((option) => step(option, key)).find((each) => each !== undefined)
    : undefined;
}

/** zod types the fields of an object that it knows nothing about as `any`. */
function shapeOf(object: z.ZodObject): Readonly<Record<string, Schema>> {
  return object.shape;
}

function unwrapped(schema: Schema): Schema {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return unwrapped(schema.unwrap());
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in);
  return schema instanceof z.ZodLazy ? unwrapped(schema.unwrap()) : schema;
}

function fieldsOf(schema: Schema | undefined): readonly string[] {
  if (schema === undefined) return [];
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => fieldsOf(option));
  return inner instanceof z.ZodObject ? Object.keys(shapeOf(inner)) : [];
}
