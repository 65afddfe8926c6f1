import type { ASTNode } from '@marcbachmann/cel-js';
import { isNullable, listOf, orNull, passwordReason, scalar, unknownType, type StaticType } from '../static-type';
import { referencesPerExpression, type CelType } from './environment';
import { charactersPerStep } from './meter';
import { celTypeOf, resultOf, typeOfLiteral, typeOfLoop } from './node-types';
import { loopOf, type MethodCall, type Path } from './parse';
import {
  binding,
  bindingOf,
  compared,
  metered,
  nodesOf,
  piece,
  walkedOperands,
  within,
  type BinaryNode,
  type Piece,
} from './piece';
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

type Locals = {
  readonly name: string;
  readonly text: string;
  readonly type: StaticType;
  readonly outer: Locals;
} | null;

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
        return piece(this.source.slice(node.range.start, node.range.end), 1, typeOfLiteral(node.args), {
          isSmall: true,
        });
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
    const of = this.source.slice(node.range.start, node.range.end);
    const field = typeOfField(object.type, name, of);
    if (!field.ok) this.faults.push(field);
    else if (field.type.kind !== 'scalar' || field.type.type !== 'password') {
      return orNull(field.type, object.type.kind !== 'unknown' && isNullable(object.type));
    } else this.faults.push({ ok: false, reason: `${of}.${name} ${passwordReason}` });
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
    return piece(`${name}(${texts.join(', ')})`, nodesOf(pieces), resultOf(name));
  }

  private method([name, receiver, args]: MethodCall, locals: Locals): Piece {
    const loop = loopOf(name, args);
    if (loop !== null) return this.loop(name, this.lower(receiver, locals), loop, locals);
    const on = this.lower(receiver, locals);
    // `split` may make an element of every character.
    const walked = name === 'join' ? compared(on) : metered(on, name === 'split' ? charactersPerStep : 1);
    const pieces = args.map((arg) => this.lower(arg, locals));
    const texts = pieces.map((each) => metered(each, 1).text);
    return piece(
      `${within(walked, binding.primary)}.${name}(${texts.join(', ')})`,
      on.nodes + nodesOf(pieces),
      resultOf(name),
    );
  }

  /** The list is charged for what its loop is about to do: its size times the nodes of the loop's body. */
  private loop(name: string, list: Piece, loop: NonNullable<ReturnType<typeof loopOf>>, locals: Locals): Piece {
    const variable = `local_${this.locals++}`;
    const element = list.type.kind === 'list' ? list.type.element : unknownType;
    const inner: Locals = { name: loop.variable, text: variable, type: element, outer: locals };
    const bodies = loop.bodies.map((body) => this.lower(body, inner));
    const nodes = nodesOf(bodies);
    const text = `metered(${list.text}, ${nodes}).${name}(${[variable, ...bodies.map((body) => body.text)].join(', ')})`;
    return piece(text, list.nodes + nodes, typeOfLoop(name, list.type, bodies.at(-1)?.type ?? unknownType));
  }

  private list(items: readonly ASTNode[], locals: Locals): Piece {
    const pieces = items.map((item) => this.lower(item, locals));
    return piece(`[${pieces.map((each) => each.text).join(', ')}]`, nodesOf(pieces), listOf(unknownType));
  }

  private map(entries: readonly (readonly [ASTNode, ASTNode])[], locals: Locals): Piece {
    const pieces = entries.map(([key, value]) => [this.lower(key, locals), this.lower(value, locals)] as const);
    const text = pieces.map(([key, value]) => `${key.text}: ${value.text}`).join(', ');
    return piece(`{${text}}`, nodesOf(pieces.flat()), unknownType);
  }

  /** CEL wants both branches of one type; null beside a value is what definitions need most. */
  private ternary([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], locals: Locals): Piece {
    const test = this.lower(condition, locals);
    const branches = [yes, no].map((branch) => this.lower(branch, locals));
    const isLoose = [yes, no].some((branch) => branch.op === 'value' && branch.args === null);
    const texts = branches.map((branch) => (isLoose ? `dyn(${branch.text})` : branch.text));
    return piece(`${within(test, binding.or)} ? ${texts.join(' : ')}`, test.nodes + nodesOf(branches), unknownType, {
      binding: binding.ternary,
    });
  }

  private unary(op: '!_' | '-_', argument: ASTNode, locals: Locals): Piece {
    const operand = this.lower(argument, locals);
    const type = op === '!_' ? scalar('boolean') : unknownType;
    return piece(`${op.charAt(0)}${within(operand, binding.unary)}`, operand.nodes + 1, type, {
      binding: binding.unary,
    });
  }

  private binary(node: BinaryNode, locals: Locals): Piece {
    const [left, right] = walkedOperands(node.op, this.lower(node.args[0], locals), this.lower(node.args[1], locals));
    const own = bindingOf[node.op];
    const text = `${within(left, own)} ${node.op} ${within(right, own + 1)}`;
    const type = own < binding.sum ? scalar('boolean') : unknownType;
    return piece(text, left.nodes + right.nodes + 1, type, { binding: own });
  }
}
