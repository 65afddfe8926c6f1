import { environment } from './environment';
import { pathEvaluator, readable, treeEvaluator } from './evaluate';
import { lower, type Lowered } from './lower';
import { typeOfCel } from './node-types';
import { celSummary, type ParsedExpression, type Path } from './parse';
import { typePath, type TypedPath } from './typed-path';
import type { Expression } from '../plan';
import { holdsPassword, passwordReason, type StaticType } from '../static-type';

export interface CompiledExpression {
  readonly expression: Expression;
  readonly type: StaticType;
}

export interface ExpressionFault {
  readonly reason: string;
  /** When a name is unknown: what it could have been. */
  readonly unknown?: { readonly name: string; readonly known: Iterable<string> };
}

export type Compiled =
  | { readonly ok: true; readonly compiled: CompiledExpression }
  | { readonly ok: false; readonly faults: readonly ExpressionFault[] };

/**
 * Judges an expression by the types of what it refers to, and makes it ready to run.
 *
 * The types decide what an evaluation sees: a declared `integer` enters CEL as an integer, every other number as a
 * double. They are part of what is compiled, so that `evaluate` takes nothing but JSON.
 *
 * @param typeOf the type of a reference's first name (asked with the whole path: `state` has a field for each entry in
 * sight, and only those that are read matter)
 */
export function compileExpression(parsed: ParsedExpression, typeOf: (path: Path) => StaticType): Compiled {
  const typed = parsed.references.map((path) => typePath(path, typeOf(path)));
  const faults = typed.flatMap((each) => (each.ok ? [] : [each]));
  if (faults.length > 0) return { ok: false, faults };
  const paths = typed.flatMap((each) => (each.ok ? [each.typed] : []));
  return parsed.body.type === 'path' ? compilePath(parsed, paths) : compileTree(parsed, parsed.body, paths);
}

function compilePath({ source, references }: ParsedExpression, [typed]: readonly TypedPath[]): Compiled {
  if (typed === undefined) return { ok: false, faults: [{ reason: 'refers to nothing' }] };
  const expression = { source, references, path: typed.path, evaluate: pathEvaluator(typed) };
  return { ok: true, compiled: { expression, type: typed.type } };
}

function compileTree(
  { source, references }: ParsedExpression,
  { tree, uses }: Extract<ParsedExpression['body'], { type: 'tree' }>,
  paths: readonly TypedPath[],
): Compiled {
  const secret = paths.find(({ type }) => type.kind === 'scalar' && type.type === 'password');
  if (secret !== undefined) return fault(`${secret.path.join('.')} ${passwordReason}`);
  const lowered = lower(tree, uses, new Map(paths.map((typed) => [typed.path.join('.'), typed])), source);
  if (lowered.faults.length > 0) return { ok: false, faults: lowered.faults };
  const checked = check(lowered);
  if (!checked.ok) return fault(checked.reason);
  if (checked.type.kind !== 'scalar' && paths.some(({ type }) => holdsPassword(type))) {
    return fault(`its result may hold what ${passwordReason}`);
  }
  const evaluate = treeEvaluator(checked.program, lowered.variables, lowered.fieldsRead);
  return { ok: true, compiled: { expression: { source, references, path: null, evaluate }, type: checked.type } };
}

function fault(reason: string): Compiled {
  return { ok: false, faults: [{ reason }] };
}

type Checked =
  | { readonly ok: true; readonly program: (context: object) => unknown; readonly type: StaticType }
  | { readonly ok: false; readonly reason: string };

/** By lowered text: `=a.n > 3` and `=b.n > 3` are one program. */
const programs = new Map<string, Checked>();
const programsKept = 2_000;

function check({ text, type }: Lowered): Checked {
  const checked = programs.get(text) ?? checkAnew(text);
  if (programs.size >= programsKept) programs.clear();
  programs.set(text, checked);
  return checked.ok && type.kind !== 'unknown' ? { ...checked, type } : checked;
}

function checkAnew(text: string): Checked {
  try {
    const program = environment.parse(text);
    const result = program.check();
    if (!result.valid) return { ok: false, reason: readable(celSummary(result.error)) };
    return { ok: true, program: (context): unknown => program(context), type: typeOfCel(result.type ?? 'dyn') };
  } catch (error) {
    return { ok: false, reason: `is too large or nested too deeply: ${celSummary(error)}` };
  }
}
