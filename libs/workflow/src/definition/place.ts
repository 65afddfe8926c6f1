/**
 * Where in a document something stands. A linked list, so that walking 100,000 entries builds no text; the text is made
 * when there is a fault to report. Null is the document itself.
 */
export type Place = { readonly parent: Place; readonly key: string | number } | null;

export function at(place: Place, ...keys: readonly (string | number)[]): Place {
  return keys.reduce<Place>((parent, key) => ({ parent, key }), place);
}

/** As users write it: `spec.actions[2].inputs.region`. */
export function pathText(place: Place): string {
  const keys: (string | number)[] = [];
  for (let each = place; each !== null; each = each.parent) keys.push(each.key);
  return keys.reverse().reduce<string>((text, key) => text + step(key, text === ''), '');
}

function step(key: string | number, isFirst: boolean): string {
  if (typeof key === 'number') return `[${key}]`;
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `[${JSON.stringify(key)}]`;
  return isFirst ? key : `.${key}`;
}
