import type { DownwardFile, Metadata, Pod } from './objects';

const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** What a variable may show of its pod. A label or annotation that is not there is empty. */
export function fieldOf({ metadata, spec, status }: Pod, path: string): string {
  const [, map, key = ''] = keyed.exec(path) ?? [];
  if (map === 'labels' || map === 'annotations') return metadata[map]?.[key] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.podIP': status.podIP,
    'status.hostIP': '127.0.0.1',
  };
  return fields[path] ?? '';
}

/** What a file may show of its pod: other fields than a variable, and all labels or annotations at once. */
export function fileFieldOf(pod: Pod, path: string): string {
  if (path === 'metadata.labels' || path === 'metadata.annotations') return linesOf(pod.metadata, path);
  return fieldOf(pod, path);
}

/** What is wrong with such a file, in the words of a real server, with the field that it is about. */
export function downwardFileFaults({
  path,
  fieldRef,
}: DownwardFile): { reason: string; message: string; field: string }[] {
  const parts = path.split('/');
  const fault = (kind: string, message: string, field: string) => ({ reason: `FieldValue${kind}`, message, field });
  const field = fieldRef?.fieldPath;
  return [
    ...(path === '' ? [fault('Required', 'Required value', 'path')] : []),
    ...(path.startsWith('/') ? [fault('Invalid', `Invalid value: "${path}": must be a relative path`, 'path')] : []),
    ...(parts.includes('..') ? [fault('Invalid', `Invalid value: "${path}": must not contain '..'`, 'path')] : []),
    ...(field === undefined ? [fault('Required', 'Required value: resourceFieldRef is not imitated', 'fieldRef')] : []),
    ...(field === undefined || fileFields.includes(field) || keyed.test(field)
      ? []
      : [fault('NotSupported', unsupported(field), 'fieldRef.fieldPath')]),
  ];
}

const fileFields = ['annotations', 'labels', 'name', 'namespace', 'uid'].map((name) => `metadata.${name}`);

function unsupported(field: string): string {
  return `Unsupported value: "${field}": supported values: ${fileFields.map((one) => `"${one}"`).join(', ')}`;
}

/** `key="value"` by key, a line each; the last without a newline. */
function linesOf(metadata: Metadata, path: 'metadata.labels' | 'metadata.annotations'): string {
  const map = (path === 'metadata.labels' ? metadata.labels : metadata.annotations) ?? {};
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
