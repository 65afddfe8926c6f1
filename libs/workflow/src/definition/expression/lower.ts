import type { ASTNode } from '@marcbachmann/cel-js';
import { assertNever, isNullable, listOf, orNull, scalar, unknownType, type StaticType } from '../static-type';
import { referencesPerExpression, type CelType } from './environment';
import { loopOf, type MethodCall, type Path } from './parse';
import { typeOfField, type FieldType, type TypedPath } from './typed-path';

/** An expression in the terms of the shared environment. */
export interface Lowered {
  readonly text: string;
  readonly variables: readonly Variable[];
  /** As far as it is known without asking CEL. */
  readonly type: StaticType;
  /** Names of fields that the text reads itself, of loop variables and of values of type `json`; null: any. */
  readonly fieldsRead: ReadonlySet<string> | null;
  readonly faults: readonly Extract<FieldType, { ok: false }>[];
}

/** A reference, as a variable of the shared environment. */
export interface Variable {
  readonly name: string;
  readonly celType: CelType;
  readonly typed: TypedPath;
}

/** @param types of every reference of the tree, by its dotted path */
export function lower(
  tree: ASTNode,
  uses: ReadonlyMap<ASTNode, Path>,
  types: ReadonlyMap<string, TypedPath>,
  source: string,
): Lowered {
  const lowering = new Lowering(uses, types, source);
  const { text, type } = lowering.lower(tree, null);
  return {
    text,
    type,
    variables: [...lowering.variables.values()],
    fieldsRead: lowering.readsAnyField ? null : lowering.fieldsRead,
    faults: lowering.faults,
  };
}

/** A lowered node: its text, how tightly it binds, how many nodes it has, and what it is. */
interface Piece {
  readonly text: string;
  readonly binding: number;
  readonly nodes: number;
  readonly type: StaticType;
  /** Too small to be worth metering: a literal, a number. */
  readonly isSmall: boolean;
}

type Locals = { readonly name: string; readonly text: string; readonly type: StaticType; readonly outer: Locals } | null;

const binding = { ternary: 1, or: 2, and: 3, equality: 4, relation: 5, sum: 6, product: 7, unary: 8, primary: 9 } as const;
const bindingOf = {
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
type BinaryNode = Extract<ASTNode, { op: keyof typeof bindingOf }>;

/** `split` makes an element of a character. */
const stepsOfSplit = 128;

class Lowering {
  readonly variables = new Map<string, Variable>();
  readonly fieldsRead = new Set<string>();
  readonly faults: Extract<FieldType, { ok: false }>[] = [];
  readsAnyField = false;
  private locals = 0;

  constructor(
    private readonly uses: ReadonlyMap<ASTNode, Path>,
    private readonly types: ReadonlyMap<string, TypedPath>,
    private readonly source: string,
  ) {}

  lower(node: ASTNode, locals: Locals): Piece {
    const path = this.uses.get(node);
    if (path !== undefined) return this.reference(path);
    switch (node.op) {
      case 'value':
        return piece(this.source.slice(node.range.start, node.range.end), 1, typeOfLiteral(node.args), { isSmall: true });
      case 'id':
        return this.local(node.args, locals);
      case '.':
        return this.field(node.args, locals);
      case '[]':
        return this.element(node.args, locals);
      case 'call':
        return this.call(node.args, locals);
      case 'rcall':
        return this.method(node.args, locals);
      case 'list':
        return this.list(node.args, locals);
      case 'map':
        return this.map(node.args, locals);
      case '?:':
        return this.ternary(node.args, locals);
      case '!_':
      case '-_':
        return this.unary(node.op, node.args, locals);
      case '.?':
      case '[?]':
        throw new Error('Optional access is not switched on in the parser');
      default:
        return this.binary(node, locals);
    }
  }

  private reference(path: Path): Piece {
    const key = path.join('.');
    const typed = this.types.get(key) ?? { path, type: unknownType, declared: 1 };
    const known = this.variables.get(key);
    const variable = known ?? { name: this.nextName(celTypeOf(typed.type)), celType: celTypeOf(typed.type), typed };
    this.variables.set(key, variable);
    return piece(variable.name, 1, typed.type);
  }

  private nextName(celType: CelType): string {
    if (this.variables.size === referencesPerExpression) {
      this.faults.push({ ok: false, reason: `refers to more than ${referencesPerExpression} values` });
    }
    const used = [...this.variables.values()].filter((each) => each.celType === celType).length;
    return `${celType}_${Math.min(used, referencesPerExpression - 1)}`;
  }

  private local(name: string, locals: Locals): Piece {
    let each = locals;
    while (each !== null && each.name !== name) each = each.outer;
    return piece(each?.text ?? name, 1, each?.type ?? unknownType);
  }

  private field([of, name]: readonly [ASTNode, string], locals: Locals): Piece {
    const object = this.lower(of, locals);
    this.fieldsRead.add(name);
    return piece(`${within(object, binding.primary)}.${name}`, object.nodes + 1, this.typeOf(object, name, of));
  }

  private typeOf(object: Piece, name: string, node: ASTNode): StaticType {
    const field = typeOfField(object.type, name, this.source.slice(node.range.start, node.range.end));
    if (field.ok) return orNull(field.type, object.type.kind !== 'unknown' && isNullable(object.type));
    this.faults.push(field);
    return unknownType;
  }

  private element([of, index]: readonly [ASTNode, ASTNode], locals: Locals): Piece {
    const list = this.lower(of, locals);
    const at = this.lower(index, locals);
    const key = index.op === 'value' ? index.args : null;
    if (typeof key === 'string') this.fieldsRead.add(key);
    else if (list.type.kind !== 'list') this.readsAnyField = true;
    const isField = typeof key === 'string' && list.type.kind !== 'list';
    const type = isField ? this.typeOf(list, key, of) : list.type.kind === 'list' ? list.type.element : unknownType;
    return piece(`${within(list, binding.primary)}[${at.text}]`, list.nodes + at.nodes, type);
  }

  private call([name, args]: readonly [string, readonly ASTNode[]], locals: Locals): Piece {
    const pieces = args.map((arg) => this.lower(arg, locals));
    // The length of a list is known; that of a text or of an object is counted.
    const isWalked = name === 'size' && pieces[0]?.type.kind !== 'list';
    const texts = pieces.map((each) => (isWalked ? metered(each, 1) : each).text);
    return piece(`${name}(${texts.join(', ')})`, sum(pieces), resultOf(name));
  }

  private method([name, receiver, args]: MethodCall, locals: Locals): Piece {
    const loop = loopOf(name, args);
    if (loop !== null) return this.loop(name, this.lower(receiver, locals), loop, locals);
    const on = this.lower(receiver, locals);
    const walked = name === 'join' ? compared(on) : metered(on, name === 'split' ? stepsOfSplit : 1);
    const pieces = args.map((arg) => this.lower(arg, locals));
    const texts = pieces.map((each) => metered(each, 1).text);
    return piece(`${within(walked, binding.primary)}.${name}(${texts.join(', ')})`, on.nodes + sum(pieces), resultOf(name));
  }

  /** The list is charged for what its loop is about to do: its size times the nodes of the loop's body. */
  private loop(name: string, list: Piece, loop: NonNullable<ReturnType<typeof loopOf>>, locals: Locals): Piece {
    const variable = `local_${this.locals++}`;
    const element = list.type.kind === 'list' ? list.type.element : unknownType;
    const inner: Locals = { name: loop.variable, text: variable, type: element, outer: locals };
    const bodies = loop.bodies.map((body) => this.lower(body, inner));
    const nodes = sum(bodies);
    const text = `metered(${list.text}, ${nodes}).${name}(${[variable, ...bodies.map((body) => body.text)].join(', ')})`;
    return piece(text, list.nodes + nodes, typeOfLoop(name, list.type, bodies.at(-1)?.type ?? unknownType));
  }

  private list(items: readonly ASTNode[], locals: Locals): Piece {
    const pieces = items.map((item) => this.lower(item, locals));
    return piece(`[${pieces.map((each) => each.text).join(', ')}]`, sum(pieces), listOf(unknownType));
  }

  private map(entries: readonly (readonly [ASTNode, ASTNode])[], locals: Locals): Piece {
    const pieces = entries.map(([key, value]) => [this.lower(key, locals), this.lower(value, locals)] as const);
    const text = pieces.map(([key, value]) => `${key.text}: ${value.text}`).join(', ');
    return piece(`{${text}}`, sum(pieces.flat()), unknownType);
  }

  /** CEL wants both branches of one type; null beside a value is what definitions need most. */
  private ternary([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], locals: Locals): Piece {
    const test = this.lower(condition, locals);
    const branches = [yes, no].map((branch) => this.lower(branch, locals));
    const isLoose = [yes, no].some((branch) => branch.op === 'value' && branch.args === null);
    const texts = branches.map((branch) => (isLoose ? `dyn(${branch.text})` : branch.text));
    return piece(`${within(test, binding.or)} ? ${texts.join(' : ')}`, test.nodes + sum(branches), unknownType, {
      binding: binding.ternary,
    });
  }

  private unary(op: '!_' | '-_', argument: ASTNode, locals: Locals): Piece {
    const operand = this.lower(argument, locals);
    const type = op === '!_' ? scalar('boolean') : unknownType;
    return piece(`${op.charAt(0)}${within(operand, binding.unary)}`, operand.nodes + 1, type, { binding: binding.unary });
  }

  private binary(node: BinaryNode, locals: Locals): Piece {
    const [left, right] = walkedOperands(node.op, this.lower(node.args[0], locals), this.lower(node.args[1], locals));
    const own = bindingOf[node.op];
    const text = `${within(left, own)} ${node.op} ${within(right, own + 1)}`;
    const type = own < binding.sum ? scalar('boolean') : unknownType;
    return piece(text, left.nodes + right.nodes + 1, type, { binding: own });
  }
}

function piece(text: string, nodes: number, type: StaticType, more: Partial<Piece> = {}): Piece {
  return { text, nodes, type, binding: binding.primary, isSmall: isSmallType(type), ...more };
}

function within(inner: Piece, binds: number): string {
  return inner.binding < binds ? `(${inner.text})` : inner.text;
}

function sum(pieces: readonly Piece[]): number {
  return pieces.reduce((total, each) => total + each.nodes, 1);
}

/** What an operator is about to walk is charged: both sides of a comparison, a list searched, lists or texts joined. */
function walkedOperands(op: BinaryNode['op'], left: Piece, right: Piece): readonly [Piece, Piece] {
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

function metered(inner: Piece, stepsPerElement: number): Piece {
  return inner.isSmall ? inner : { ...inner, text: `metered(${inner.text}, ${stepsPerElement})`, binding: binding.primary };
}

function compared(inner: Piece): Piece {
  return inner.isSmall ? inner : { ...inner, text: `compared(${inner.text})`, binding: binding.primary };
}

function isSmallType(type: StaticType): boolean {
  return type.kind === 'scalar' && (type.type === 'integer' || type.type === 'float' || type.type === 'boolean');
}

function typeOfLiteral(value: unknown): StaticType {
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

function resultOf(name: string): StaticType {
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

function typeOfLoop(name: string, list: StaticType, body: StaticType): StaticType {
  if (name === 'map') return listOf(body);
  if (name === 'filter') return list.kind === 'list' ? list : listOf(unknownType);
  return scalar('boolean');
}

function celTypeOf(type: StaticType): CelType {
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
      return assertNever(type);
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

