import { describeType } from '../describe';
import { fieldsOf, isNullable, orNull, type StaticType } from '../static-type';
import type { Path } from './parse';

/** A reference whose type is known as far as it can be. */
export interface TypedPath {
  readonly path: Path;
  readonly type: StaticType;
  /**
   * How many of the path's names are declared. Where something declared is null (a skipped action), the declared
   * fields of it are null, too. Beyond, inside values of type `json`, a field of null and a missing field are errors.
   */
  readonly declared: number;
}

export type Typed =
  | { readonly ok: true; readonly typed: TypedPath }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly unknown?: { readonly name: string; readonly known: Iterable<string> };
    };

/** @param root the type of the path's first name */
export function typePath(path: Path, root: StaticType): Typed {
  let type = root;
  let declared = 1;
  for (const [i, name] of path.slice(1).entries()) {
    const step = typeOfField(type, name, path.slice(0, i + 1).join('.'));
    if (!step.ok) return step;
    if (step.type.kind !== 'unknown' || type.kind !== 'unknown') declared++;
    type = orNull(step.type, type.kind !== 'unknown' && isNullable(type));
  }
  return { ok: true, typed: { path, type, declared } };
}

export type FieldType =
  | { readonly ok: true; readonly type: StaticType }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly unknown?: { readonly name: string; readonly known: Iterable<string> };
    };

/** @param of what the type is called in reasons, such as `split` */
export function typeOfField(type: StaticType, name: string, of: string): FieldType {
  const fields = fieldsOf(type);
  if (fields === undefined) return { ok: true, type };
  if (fields === null) {
    return { ok: false, reason: `${of} is ${describeType(type)} and has no "${name}"${listHint(type, name, of)}` };
  }
  const field = fields.get(name);
  return field === undefined
    ? { ok: false, reason: `${of} has no "${name}"`, unknown: { name, known: fields.keys() } }
    : { ok: true, type: field };
}

function listHint(type: StaticType, name: string, of: string): string {
  return type.kind === 'list' ? `: its elements have; write ${of}.map(x, x.${name}) or ${of}[0].${name}` : '';
}
