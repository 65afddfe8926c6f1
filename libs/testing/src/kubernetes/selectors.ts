import { badRequest } from './answers';
import type { KubernetesObject } from './objects';

export type Matches = (object: KubernetesObject) => boolean;

const operators = 'in, notin, =, ==, !=, gt, lt';
const requirement = /^(!?)\s*([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|(in|notin)\s*\(([^)]*)\))?$/;

/** `a=1,b!=2,c in (x,y),d notin (z),e,!f`; throws the 400 of a real server on anything else. */
export function parseLabelSelector(text: string): Matches {
  const parts = splitOutsideBrackets(text);
  const all = parts.map(parseRequirement);
  return ({ metadata: { labels = {} } }) => all.every((holds) => holds(labels));
}

type Holds = (labels: Readonly<Record<string, string>>) => boolean;

function parseRequirement(text: string): Holds {
  const found = requirement.exec(text.trim());
  const [, not, key = '', sign, value = '', set, list = ''] = found ?? [];
  if (!found || (not === '!' && (sign ?? set) !== undefined)) {
    const second = text.trim().split(/\s+/)[1] ?? text.trim();
    throw badRequest(`unable to parse requirement: found '${second}', expected: ${operators}`);
  }
  const values = list.split(',').map((item) => item.trim());
  switch (sign ?? set) {
    case '=':
    case '==':
      return (labels) => labels[key] === value;
    case '!=':
      return (labels) => labels[key] !== value;
    case 'in':
      return (labels) => labels[key] !== undefined && values.includes(labels[key]);
    case 'notin':
      return (labels) => labels[key] === undefined || !values.includes(labels[key]);
    default:
      return (labels) => key in labels === (not !== '!');
  }
}

function splitOutsideBrackets(text: string): string[] {
  return text.trim() === '' ? [] : text.split(/,(?![^(]*\))/);
}

/** `metadata.name=x,status.phase!=Running`; any path into the object is taken, more than a real server indexes. */
export function parseFieldSelector(text: string): Matches {
  const all = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [, path, sign, value] = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part) ?? [];
      if (path === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      return (object: KubernetesObject) => (fieldAt(object, path) === value) === (sign !== '!=');
    });
  return (object) => all.every((holds) => holds(object));
}

function fieldAt(object: KubernetesObject, path: string): string {
  let value: unknown = object;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return typeof value === 'string' ? value : '';
}

/** Both selectors of a list, watch or deletion together. */
export function selectorOf(query: URLSearchParams): Matches {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  return (object) => labels(object) && fields(object);
}
