import type { JsonObject, JsonValue } from '@ryax/contracts';
import { WrongUseError } from './errors';
import { at } from './upload/json';

/** `name=value` as written on the command line. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** What an input is, once its declared type is known. */
export type Input =
  { readonly kind: 'value'; readonly value: JsonValue } | { readonly kind: 'upload'; readonly path: string };

export function parsePair(text: string, option: string): Pair {
  const split = text.indexOf('=');
  if (split < 1) throw new WrongUseError(`Expected ${option} name=value, found "${text}"`);
  return { name: text.slice(0, split), value: text.slice(split + 1) };
}

export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => parsePair(text, '--label')).map(({ name, value }) => [name, value]));
}

const textTypes: ReadonlySet<string> = new Set(['string', 'longstring', 'password', 'enum']);
const fileTypes: ReadonlySet<string> = new Set(['file', 'directory']);

/**
 * A text stays the text that was typed; `@path` uploads a file or folder; anything else is JSON where it is JSON, and else
 * a text, which the engine judges.
 *
 * @param type as the trigger declares it; undefined when it declares no such output
 */
export function readInput({ name, value }: Pair, type: string | undefined): Input {
  if (type !== undefined && textTypes.has(type)) return { kind: 'value', value };
  if (value.startsWith('@')) return { kind: 'upload', path: value.slice(1) };
  if (type !== undefined && fileTypes.has(type) && !value.startsWith('{')) {
    throw new WrongUseError(`The input "${name}" is a ${type}: expected --input ${name}=@path, found "${value}"`);
  }
  return { kind: 'value', value: jsonOr(value) };
}

/** The types of a trigger's outputs, by name, as far as the definition is well-formed. */
export function inputTypes(definition: JsonValue): ReadonlyMap<string, string> {
  const outputs = at(definition, 'spec', 'trigger', 'outputs');
  const types = new Map<string, string>();
  for (const output of Array.isArray(outputs) ? outputs : []) {
    const name = at(output, 'name');
    const type = at(output, 'type');
    if (typeof name === 'string' && typeof type === 'string') types.set(name, type);
  }
  return types;
}

/** @param upload turns a path into the value that stands for it */
export async function resolveInputs(
  pairs: readonly Pair[],
  types: ReadonlyMap<string, string>,
  upload: (path: string) => Promise<JsonValue>,
): Promise<JsonObject> {
  const inputs: JsonObject = {};
  for (const pair of pairs) {
    const input = readInput(pair, types.get(pair.name));
    inputs[pair.name] = input.kind === 'upload' ? await upload(input.path) : input.value;
  }
  return inputs;
}

function jsonOr(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
