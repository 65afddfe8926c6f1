import { parseDurationMs, parseSizeBytes } from '@ryax/contracts';
import { z } from 'zod';

/** What a field of a site's configuration may be. Sizes come out in bytes, durations in milliseconds, processors in cores. */

/** As in a definition, and `4Gi` as Kubernetes writes it. */
export const size = measure('a size such as 512M or 16G', (text) => parseSizeBytes(text.replace(/([KMGT])i$/, '$1')));

/** As in a definition: a number alone is seconds. */
export const duration = measure('a duration such as 30s or 5m', parseDurationMs);

/** `0.5`, or as Kubernetes writes it, `500m`. */
export const cores = measure('cores such as 0.5 or 500m', (text) => {
  const [, count, thousandths] = /^(\d+(?:\.\d+)?)(m?)$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  // Rounded: 0.1 as a sum of binary fractions must not show.
  return Math.round(Number(count) * (thousandths === 'm' ? 1 : 1000)) / 1000;
});

export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected up to 63 of a-z, 0-9 and inner dashes');

/** What most objects of Kubernetes are called. */
export const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'expected lower-case letters, digits, inner dots and dashes');

const labelNamePattern = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

export const labelName = z.string().regex(labelNamePattern, 'is no valid name of a label');
export const labelValue = z
  .string()
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/,
    'expected up to 63 letters, digits and inner dashes, dots or underscores',
  );

/** What the executor finds its pods by. */
export const ownPrefix = 'ryax.tech/';
export const managedBy = 'app.kubernetes.io/managed-by';

const freeName = labelName.refine(
  (name) => name !== managedBy && !name.startsWith(ownPrefix),
  `is set by the executor, as are all names that begin with ${ownPrefix}`,
);
export const addedLabels = z.record(freeName, labelValue);
export const addedAnnotations = z.record(freeName, z.string());

/** Deeper content of Kubernetes' own: the API server judges it. */
export function kubernetesObject<T>() {
  return z.custom<T>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'expected an object',
  });
}

/** A field that others may expect here and that is not theirs to set. */
export function refused(reason: string) {
  return z.never({ error: reason }).optional();
}

type Taken<T> = { [Field in keyof T as T[Field] extends undefined ? never : Field]: Exclude<T[Field], undefined> };

/** To readers the fields that are refused do not exist, and one that is there has a value: a file holds no `undefined`. */
export function taken<T>(value: T): Taken<T> {
  return value as Taken<T>;
}

function measure(expected: string, parse: (text: string) => number | undefined) {
  return z.union([z.number(), z.string()], `expected ${expected}`).transform((given, context) => {
    const value = parse(String(given).trim());
    if (value !== undefined && Number.isSafeInteger(Math.ceil(value))) return value;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  });
}
