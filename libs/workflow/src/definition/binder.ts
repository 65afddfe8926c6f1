import type { IoDeclaration } from '@ryax/contracts';
import { describeIoType } from './describe';
import type { Draft, DraftExpression } from './draft';
import { compileExpression } from './expression/compile';
import type { Faults } from './faults';
import { distinct } from './links';
import type { EntryNode, Outline } from './outline';
import { at, type Place } from './place';
import type { PlanInput, PlanValue } from './plan';
import { lookUp, type Viewpoint } from './sight';
import { holdsPassword, passwordReason, unknownType, whyNotAssignable, type StaticType } from './static-type';
import type { TypeTable } from './type-table';
import { checkValue, isRequired } from './values';

/** A value ready to be evaluated, and what is known about what it will be. */
export interface Bound {
  readonly value: PlanValue;
  readonly type: StaticType;
  /** True for what could not be compiled, which has been told: nothing more is to be said about it. */
  readonly isFaulty: boolean;
}

const faulty: Bound = { value: { type: 'literal', value: null }, type: unknownType, isFaulty: true };

/** Compiles values where they stand and judges them by what is wanted there. */
export class Binder {
  /** By entry number: what it cannot do without, see `PlanEntry.skipsWith`. */
  private readonly skips = new Map<number, number[]>();

  constructor(
    private readonly outline: Outline,
    private readonly types: TypeTable,
    private readonly faults: Faults,
  ) {}

  skipsWith({ number }: EntryNode): readonly number[] {
    return distinct(this.skips.get(number) ?? []);
  }

  /** Where a password may stand as well as anything else. */
  bind(draft: Draft, view: Viewpoint): Bound {
    switch (draft.type) {
      case 'literal':
        return bound({ type: 'literal', value: draft.value });
      case 'expression':
        return this.bindExpression(draft, view);
      case 'list':
        return bound({ type: 'list', items: draft.items.map((item) => this.bindPublic(item, view).value) });
      case 'object':
        return bound({ type: 'object', fields: this.bindFields(draft.fields, view) });
      case 'invalid':
        return faulty;
      default:
        return draft satisfies never;
    }
  }

  private bindFields(
    fields: readonly (readonly [string, Draft])[],
    view: Viewpoint,
  ): Readonly<Record<string, PlanValue>> {
    return Object.fromEntries(fields.map(([key, field]) => [key, this.bindPublic(field, view).value]));
  }

  private bindExpression({ parsed, place }: DraftExpression, view: Viewpoint): Bound {
    const compiled = compileExpression(parsed, (path) => this.types.ofRoot(path, view));
    if (compiled.ok) {
      const { expression, type } = compiled.compiled;
      return bound({ type: 'expression', expression }, type);
    }
    for (const { reason, unknown } of compiled.faults) {
      const hint = unknown === undefined ? '' : this.faults.didYouMean(unknown.name, unknown.known);
      this.faults.add(place, reason + hint);
    }
    return faulty;
  }

  /** Where no password may stand: results, inside lists and objects. */
  bindPublic(draft: Draft, view: Viewpoint): Bound {
    const found = this.bind(draft, view);
    if (holdsPassword(found.type)) this.faults.add(draft.place, passwordReason);
    return found;
  }

  /** Where nothing can be done without the value: what it is a plain reference to has to be there. */
  bindNeeded(draft: Draft, view: Viewpoint): Bound {
    const found = this.bind(draft, view);
    if (found.value.type === 'expression' && found.value.expression.path !== null) {
      this.needs(found.value.expression.path, view);
    }
    return found;
  }

  private needs(path: readonly string[], view: Viewpoint): void {
    if (path[0] === 'state') return;
    const sighted = lookUp(this.outline, path, view, this.faults);
    if (sighted.type !== 'entry' || sighted.dependent === null) return;
    const { number } = sighted.dependent;
    const known = this.skips.get(number);
    if (known === undefined) this.skips.set(number, [sighted.target.number]);
    else known.push(sighted.target.number);
  }

  /** An input that nobody declares (of `core/noop`). It is needed: nothing says that it is not. */
  bindUndeclared(draft: Draft, view: Viewpoint): PlanInput {
    const { value, type } = this.bindNeeded(draft, view);
    if (holdsPassword(type)) this.faults.add(draft.place, passwordReason);
    return { value, declaration: null };
  }

  /** An input of a container: its author has written it down for this command alone, so it may be a password. Needed as well. */
  bindOfContainer(draft: Draft, view: Viewpoint): PlanInput {
    const { value, type } = this.bindNeeded(draft, view);
    if (holdsPassword(type) && type.kind !== 'scalar') this.faults.add(draft.place, passwordReason);
    return { value, declaration: null };
  }

  /** An input of an action that is not known. */
  bindUnjudged(draft: Draft, view: Viewpoint): PlanInput {
    return { value: this.bind(draft, view).value, declaration: null };
  }

  bindInput(declaration: IoDeclaration, draft: Draft, view: Viewpoint): PlanInput {
    const { value, type, isFaulty } = isRequired(declaration) ? this.bindNeeded(draft, view) : this.bind(draft, view);
    const reason = isFaulty ? null : whyNotTaken(declaration, value, type);
    if (reason !== null) this.faults.add(draft.place, reason);
    return { value, declaration };
  }

  /** An input that the definition leaves out: its default, or null. */
  omitInput(declaration: IoDeclaration, inputs: Place, isUnread: boolean): PlanInput {
    if (isRequired(declaration) && !isUnread) {
      this.faults.add(at(inputs, declaration.name), 'required input is missing');
    }
    return { value: { type: 'literal', value: declaration.default_value ?? null }, declaration };
  }
}

function bound(value: PlanValue, type: StaticType = unknownType): Bound {
  return { value, type, isFaulty: false };
}

function whyNotTaken(declaration: IoDeclaration, value: PlanValue, type: StaticType): string | null {
  switch (value.type) {
    case 'expression':
      return whyNotAssignable(type, declaration);
    case 'literal':
      return whyWrongLiteral(declaration, value.value);
    default:
      return declaration.type === 'json'
        ? null
        : `expected ${describeIoType(declaration.type)}, found ${value.type === 'list' ? 'a list' : 'an object'}`;
  }
}

function whyWrongLiteral(declaration: IoDeclaration, value: Parameters<typeof checkValue>[1]): string | null {
  if (value === null) return isRequired(declaration) && declaration.type !== 'json' ? 'is required, found null' : null;
  const checked = checkValue(declaration, value, 'definition');
  return checked.ok ? null : checked.reason;
}
