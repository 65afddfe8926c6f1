import type { ASTNode } from '@marcbachmann/cel-js';
import { expressionLimits, syntax } from './environment';
import { celKeywords, functions, macros, methods, refusedFunctions } from './vocabulary';

/** A name and the fields that are fixed in the text: `split.regions` is ['split', 'regions']. */
export type Path = readonly string[];

/** The text of an expression, read but not yet judged: nothing is known about the types of its names. */
export interface ParsedExpression {
  /** Without the `=` in front. */
  readonly source: string;
  /** Every free name with the fields that are fixed, each once. */
  readonly references: readonly Path[];
  readonly body:
    | { readonly type: 'path'; readonly path: Path }
    /** `uses` says which nodes of the tree are references. */
    | { readonly type: 'tree'; readonly tree: ASTNode; readonly uses: ReadonlyMap<ASTNode, Path> };
}

export type Parsed =
  | { readonly ok: true; readonly expression: ParsedExpression }
  /** Everything that the text does wrong; names are judged later. */
  | { readonly ok: false; readonly reasons: readonly string[] };

const plainPath = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** @param text with its `=` in front */
export function parseExpression(text: string): Parsed {
  const source = text.slice(1).trim();
  if (source === '') return { ok: false, reasons: ['is an empty expression; write == for a text that starts with ='] };
  if (source.length > expressionLimits.characters) {
    return { ok: false, reasons: [`is longer than ${expressionLimits.characters} characters`] };
  }
  const path = plainPath.test(source) ? source.split('.') : null;
  return path !== null && !path.some((name) => celKeywords.has(name))
    ? { ok: true, expression: { source, references: [path], body: { type: 'path', path } } }
    : parseTree(source);
}

function parseTree(source: string): Parsed {
  let tree: ASTNode;
  try {
    tree = syntax.parse(source).ast;
  } catch (error) {
    return { ok: false, reasons: [`is no valid expression: ${celSummary(error)}${position(error)}`] };
  }
  const reader = new Reader();
  reader.read(tree, [], 0);
  if (reader.reasons.size > 0) return { ok: false, reasons: [...reader.reasons] };
  const references = [...new Map([...reader.uses.values()].map((path) => [path.join('.'), path])).values()];
  return { ok: true, expression: { source, references, body: { type: 'tree', tree, uses: reader.uses } } };
}

/** What CEL says, without the picture of the source that its full message draws. */
export function celSummary(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  return 'summary' in error && typeof error.summary === 'string' ? error.summary : error.message;
}

function position(error: unknown): string {
  const range: unknown = typeof error === 'object' && error !== null && 'range' in error ? error.range : undefined;
  const start: unknown = typeof range === 'object' && range !== null && 'start' in range ? range.start : undefined;
  return typeof start === 'number' ? ` (at character ${start + 1})` : '';
}

/** One walk over a tree: finds the free names, and what is not part of our vocabulary. */
class Reader {
  readonly uses = new Map<ASTNode, Path>();
  readonly reasons = new Set<string>();

  read(node: ASTNode, locals: readonly string[], loops: number): void {
    const path = freePath(node, locals);
    if (path !== null) this.uses.set(node, path);
    else this.readChildren(node, locals, loops);
  }

  private readChildren(node: ASTNode, locals: readonly string[], loops: number): void {
    switch (node.op) {
      case 'value':
        if (typeof node.args === 'object' && node.args !== null) {
          this.reasons.add('bytes and unsigned numbers are no JSON values');
        }
        return;
      case 'call':
        return this.readCall(node.args[0], node.args[1], locals, loops);
      case 'rcall':
        return this.readMethod(node.args, locals, loops);
      default:
        for (const child of childrenOf(node)) this.read(child, locals, loops);
    }
  }

  private readCall(name: string, args: readonly ASTNode[], locals: readonly string[], loops: number): void {
    if (!functions.has(name)) this.reasons.add(unknownFunction(name, functions));
    const [argument] = args;
    // has(a.b) asks for the field b: only what is before it is read.
    if (name === 'has' && argument?.op === '.') this.read(argument.args[0], locals, loops);
    else for (const each of args) this.read(each, locals, loops);
  }

  private readMethod([name, receiver, args]: MethodCall, locals: readonly string[], loops: number): void {
    this.read(receiver, locals, loops);
    const loop = loopOf(name, args);
    if (loop !== null) {
      if (loops === expressionLimits.nestedLoops) {
        this.reasons.add(`nests more than ${loops} of ${[...macros.keys()].join(', ')}`);
      }
      for (const each of loop.bodies) this.read(each, [...locals, loop.variable], loops + 1);
      return;
    }
    if (!methods.has(name)) this.reasons.add(unknownFunction(name, [...methods, ...macros.keys()]));
    for (const each of args) this.read(each, locals, loops);
  }
}

export type MethodCall = readonly [name: string, receiver: ASTNode, args: readonly ASTNode[]];

/** `list.exists(x, body)`: the name that stands for the element, and what is evaluated for each. Null for other methods. */
export function loopOf(
  name: string,
  args: readonly ASTNode[],
): { readonly variable: string; readonly bodies: readonly ASTNode[] } | null {
  const [variable, ...bodies] = args;
  if (variable?.op !== 'id' || macros.get(name)?.includes(args.length) !== true) return null;
  return { variable: variable.args, bodies };
}

/** The children of every node but calls, which bind names. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
    case 'call':
    case 'rcall':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case '!_':
    case '-_':
      return [node.args];
    case 'map':
      return node.args.flat();
    default:
      return node.args;
  }
}

/** `split.regions` when `split` is no loop's variable; null when the node is no such chain. */
function freePath(node: ASTNode, locals: readonly string[]): Path | null {
  const fields: string[] = [];
  let each = node;
  while (each.op === '.') {
    fields.push(each.args[1]);
    each = each.args[0];
  }
  return each.op === 'id' && !locals.includes(each.args) ? [each.args, ...fields.reverse()] : null;
}

function unknownFunction(name: string, known: Iterable<string>): string {
  const why = refusedFunctions.get(name);
  return why === undefined
    ? `calls ${name}, which is no function here; there are ${[...known].join(', ')}`
    : `calls ${name}, which is not available: ${why}`;
}
