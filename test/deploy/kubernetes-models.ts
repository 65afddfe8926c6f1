import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as clientModels from '@kubernetes/client-node';

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
}

/** What the API requires and one of the objects lacks. */
export function missingFields(checked: readonly object[]): unknown {
  const script = join(__dirname, 'required-fields.mjs');
  const { stdout, stderr, status } = spawnSync(process.execPath, [script], {
    input: JSON.stringify(checked),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Expected the check of required fields to run, found: ${stderr}`);
  return JSON.parse(stdout);
}

/** The fields of a type of the API; undefined when it has none of that name. */
export function attributesOf(type: string): readonly Attribute[] | undefined {
  const model: unknown = Reflect.get(clientModels, type);
  if (typeof model !== 'function' || !('getAttributeTypeMap' in model)) return undefined;
  return (model as unknown as { getAttributeTypeMap(): readonly Attribute[] }).getAttributeTypeMap();
}

/** Fields that the API does not know, and values of a wrong type, each with its path. */
export function faultsOf(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: expected a list of ${list}`];
    return value.flatMap((item, index) => faultsOf(item, list, `${path}[${index}]`));
  }
  const map = /^{ \[key: string\]: (.+); }$/.exec(type)?.[1];
  if (map !== undefined) {
    return Object.entries(value as object).flatMap(([key, item]) => faultsOf(item, map, `${path}.${key}`));
  }
  if (['string', 'number', 'boolean'].includes(type)) {
    return typeof value === type ? [] : [`${path}: expected a ${type}, found ${JSON.stringify(value)}`];
  }
  const attributes = attributesOf(type);
  if (attributes === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: expected a ${type}`];
  return Object.entries(value).flatMap(([key, item]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute === undefined
      ? [`${path}.${key}: unknown to ${type}`]
      : faultsOf(item, attribute.type, `${path}.${key}`);
  });
}
