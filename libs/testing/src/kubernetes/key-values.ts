import type { KubernetesObject } from './objects';

/** The keys and values of a secret or a config map, decoded. */
export function contentOf(object: KubernetesObject): Record<string, Buffer> {
  const { data = {}, binaryData = {} } = object as Partial<Record<string, Readonly<Record<string, string>>>>;
  const encoding = object.kind === 'Secret' ? 'base64' : 'utf8';
  return {
    ...decode(data, encoding),
    ...decode(binaryData, 'base64'),
  };
}

function decode(data: Readonly<Record<string, string>>, encoding: BufferEncoding): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}

/** `stringData` of a secret is written into its `data`, and is not kept. */
export function withEncodedData(secret: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = secret as KubernetesObject & { stringData?: Record<string, string> };
  if (!stringData) return secret;
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { ...rest, data: { ...(rest['data'] as object | undefined), ...Object.fromEntries(encoded) } };
}
