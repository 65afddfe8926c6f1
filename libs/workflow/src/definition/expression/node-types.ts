import { isNullable, listOf, scalar, unknownType, type StaticType } from '../static-type';
import type { CelType } from './environment';

/** What is known of the parts of an expression, and what CEL is told of it. */

export function typeOfLiteral(value: unknown): StaticType {
  switch (typeof value) {
    case 'string':
      return scalar('string');
    case 'bigint':
      return scalar('integer');
    case 'number':
      return scalar('float');
    case 'boolean':
      return scalar('boolean');
    default:
      return unknownType;
  }
}

export function resultOf(name: string): StaticType {
  switch (name) {
    case 'has':
    case 'bool':
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return scalar('boolean');
    case 'size':
    case 'int':
      return scalar('integer');
    case 'double':
      return scalar('float');
    default:
      return unknownType;
  }
}

export function typeOfLoop(name: string, list: StaticType, body: StaticType): StaticType {
  if (name === 'map') return listOf(body);
  if (name === 'filter') return list.kind === 'list' ? list : listOf(unknownType);
  return scalar('boolean');
}

export function celTypeOf(type: StaticType): CelType {
  if (isNullable(type)) return 'dyn';
  switch (type.kind) {
    case 'unknown':
      return 'dyn';
    case 'list':
      return 'list';
    case 'object':
      return 'map';
    case 'scalar':
      return celTypeOfScalar[type.type];
    default:
      return type satisfies never;
  }
}

const celTypeOfScalar = {
  string: 'string',
  longstring: 'string',
  enum: 'string',
  password: 'dyn',
  integer: 'int',
  float: 'double',
  boolean: 'bool',
  file: 'map',
  directory: 'map',
} as const satisfies Record<string, CelType>;

/** The inverse: what CEL says about a result. */
export function typeOfCel(name: string): StaticType {
  switch (name) {
    case 'bool':
      return scalar('boolean');
    case 'int':
      return scalar('integer');
    case 'double':
      return scalar('float');
    case 'string':
      return scalar('string');
    default:
      return name.startsWith('list') ? listOf(unknownType) : unknownType;
  }
}
