import type { IoDeclaration } from '@ryax/contracts';
import type { Faults } from './faults';
import { at, type Place } from './place';
import { checkValue } from './values';

/** Declared inputs or outputs, judged by themselves: names, enums, defaults. */
export function checkDeclarations(declarations: readonly IoDeclaration[], place: Place, faults: Faults): void {
  const names = new Set<string>();
  for (const [index, declaration] of declarations.entries()) {
    const own = at(place, index);
    if (names.has(declaration.name)) faults.add(at(own, 'name'), `"${declaration.name}" is declared twice`);
    names.add(declaration.name);
    checkEnumValues(declaration, own, faults);
    checkDefault(declaration, own, faults);
  }
}

/** The same for what an action gives: there is nothing to default to. */
export function checkOutputDeclarations(declarations: readonly IoDeclaration[], place: Place, faults: Faults): void {
  for (const [index, { default_value }] of declarations.entries()) {
    if (default_value !== undefined) faults.add(at(place, index, 'default_value'), 'an output has no default');
  }
  checkDeclarations(
    declarations.map(({ default_value: _, ...declaration }) => declaration),
    place,
    faults,
  );
}

function checkEnumValues({ type, enum_values }: IoDeclaration, place: Place, faults: Faults): void {
  if (type === 'enum' && (enum_values ?? []).length === 0) {
    faults.add(at(place, 'enum_values'), 'an enum needs its values');
  }
  if (type !== 'enum' && (enum_values ?? []).length > 0) {
    faults.add(at(place, 'enum_values'), 'only an enum has values');
  }
}

function checkDefault(declaration: IoDeclaration, place: Place, faults: Faults): void {
  const { default_value = null } = declaration;
  if (default_value === null) return;
  const checked = checkValue(declaration, default_value, 'input');
  if (!checked.ok) faults.add(at(place, 'default_value'), checked.reason);
}
