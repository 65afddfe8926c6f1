import type { ASTNode } from '@marcbachmann/cel-js';
import type { StaticType } from '../static-type';

/** A lowered node: its text, how tightly it binds, how many nodes it has, and what it is. */
export interface Piece {
  readonly text: string;
  readonly binding: number;
  readonly nodes: number;
  readonly type: StaticType;
  /** Too small to be worth metering: a literal, a number. */
  readonly isSmall: boolean;
}

/** How tightly operators bind: what binds less stands in parentheses inside what binds more. */
export const binding = {
  ternary: 1,
  or: 2,
  and: 3,
  equality: 4,
  relation: 5,
  sum: 6,
  product: 7,
  unary: 8,
  primary: 9,
} as const;
export const bindingOf = {
  '||': binding.or,
  '&&': binding.and,
  '==': binding.equality,
  '!=': binding.equality,
  '<': binding.relation,
  '<=': binding.relation,
  '>': binding.relation,
  '>=': binding.relation,
  in: binding.relation,
  '+': binding.sum,
  '-': binding.sum,
  '*': binding.product,
  '/': binding.product,
  '%': binding.product,
} as const;
export type BinaryNode = Extract<ASTNode, { op: keyof typeof bindingOf }>;

export function piece(text: string, nodes: number, type: StaticType, more: Partial<Piece> = {}): Piece {
  return { text, nodes, type, binding: binding.primary, isSmall: isSmallType(type), ...more };
}

export function within(inner: Piece, binds: number): string {
  return inner.binding < binds ? `(${inner.text})` : inner.text;
}

export function nodesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((total, each) => total + each.nodes, 1);
}

/** What an operator is about to walk is charged: both sides of a comparison, a list searched, lists or texts joined. */
export function walkedOperands(op: BinaryNode['op'], left: Piece, right: Piece): readonly [Piece, Piece] {
  switch (op) {
    case '==':
    case '!=':
      return left.isSmall || right.isSmall ? [left, right] : [compared(left), compared(right)];
    case 'in':
      return [left, left.isSmall ? metered(right, 1) : compared(right)];
    case '+':
      return [left.binding === binding.sum ? left : metered(left, 1), metered(right, 1)];
    default:
      return [left, right];
  }
}

export function metered(inner: Piece, stepsPerElement: number): Piece {
  return inner.isSmall
    ? inner
    : { ...inner, text: `metered(${inner.text}, ${stepsPerElement})`, binding: binding.primary };
}

export function compared(inner: Piece): Piece {
  return inner.isSmall ? inner : { ...inner, text: `compared(${inner.text})`, binding: binding.primary };
}

function isSmallType(type: StaticType): boolean {
  return type.kind === 'scalar' && (type.type === 'integer' || type.type === 'float' || type.type === 'boolean');
}
