import { z } from 'zod';

/** What a field of a site's configuration may be. Sizes come out in bytes, durations in milliseconds, processors in cores. */

const bytesPerUnit: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** As in a definition: units are powers of 1024, `4G` and `4Gi` are the same. */
export const size = measure(
  /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B?)?$/,
  'a size such as 512M or 16G',
  bytesPerUnit,
  '',
).transform(Math.round);

/** As in a definition: a number alone is seconds. */
export const duration = measure(
  /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/,
  'a duration such as 30s or 5m',
  msPerUnit,
  's',
).transform(Math.round);

/** `0.5`, or as Kubernetes writes it, `500m`. */
export const cores = measure(/^(\d+(?:\.\d+)?)(m?)$/, 'cores such as 0.5 or 500m', { '': 1, m: 0.001 }, '');

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

function measure(pattern: RegExp, expected: string, units: Readonly<Record<string, number>>, bare: string) {
  return z.union([z.number(), z.string()], `expected ${expected}`).transform((given, context) => {
    const match = pattern.exec(String(given).trim());
    const value = match === null ? NaN : Number(match[1]) * (units[match[2] || bare] ?? NaN);
    // Rounded: 0.1 as a sum of binary fractions must not show.
    const rounded = Math.round(value * 1000) / 1000;
    if (Number.isSafeInteger(Math.ceil(rounded))) return rounded;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  });
}
