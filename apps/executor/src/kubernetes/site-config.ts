import { readFileSync } from 'node:fs';
import type { V1Toleration } from '@kubernetes/client-node';
import { architectures, type Fault, type JsonValue, type PoolKind } from '@ryax/contracts';
import { messageOf, WrongConfiguration } from '@ryax/platform';
import { readYaml, YamlError } from '@ryax/yaml';
import { z } from 'zod';
import type { Amounts } from '../resource-pool';
import {
  addedAnnotations,
  addedLabels,
  cores,
  dnsLabel,
  duration,
  labelName,
  labelValue,
  objectName,
  size,
} from './fields';
import { podTemplateSchema } from './pod-template';

export const architectureLabel = 'kubernetes.io/arch';
const positive = <Field extends z.ZodType<number>>(field: Field) =>
  field.refine((value) => value > 0, 'expected more than 0');
const atMost = (most: number) => z.int().min(0).max(most);

const score = z.number().min(0).max(100).default(50);

const nodePoolSchema = z
  .strictObject({
    name: dnsLabel,
    cpu: positive(cores),
    memory: positive(size),
    gpu: atMost(1024).default(0),
    gpuResource: labelName.default('nvidia.com/gpu'),
    nodes: z.int().min(1).max(100_000).default(1),
    slots: z.int().min(1).max(100_000),
    timeLimit: positive(duration).optional(),
    architecture: z.enum(architectures, `expected one of ${architectures.join(', ')}`).optional(),
    selector: z
      .record(labelName, labelValue)
      .refine(
        (selector) => !(architectureLabel in selector),
        `${architectureLabel} has a field of its own: architecture`,
      )
      .default({}),
    tolerations: z
      .array(
        z.strictObject({
          key: labelName.optional(),
          operator: z.enum(['Exists', 'Equal']).optional(),
          value: labelValue.optional(),
          effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
          tolerationSeconds: z.int().optional(),
        }),
      )
      .default([])
      .transform((tolerations) => tolerations as V1Toleration[]),
    runtimeClass: objectName.optional(),
    scores: z.strictObject({ time: score, cost: score, energy: score }).prefault({}),
  })
  .transform(({ memory, timeLimit, ...rest }) => ({ ...rest, memoryBytes: memory, timeLimitMs: timeLimit ?? null }));

/** Nodes that are alike. `cpu` (cores), `memoryBytes` and `gpu` are what one of them has for executions. */
export type NodePool = z.infer<typeof nodePoolSchema>;

const share = z
  .strictObject({
    cpu: positive(cores).optional(),
    memory: positive(size).optional(),
    ephemeralStorage: positive(size).optional(),
  })
  .transform(({ cpu, memory, ephemeralStorage }) => ({
    cpu,
    memoryBytes: memory,
    ephemeralStorageBytes: ephemeralStorage,
  }));

const securityContextSchema = z
  .strictObject({
    runAsNonRoot: z.boolean().default(true),
    runAsUser: atMost(2 ** 31 - 1)
      .nullable()
      .default(10001),
    runAsGroup: atMost(2 ** 31 - 1)
      .nullable()
      .default(10001),
    fsGroup: atMost(2 ** 31 - 1)
      .nullable()
      .default(10001),
    supplementalGroups: z.array(atMost(2 ** 31 - 1)).optional(),
    readOnlyRootFilesystem: z.boolean().default(false),
    addCapabilities: z.array(z.string().regex(/^[A-Z_]+$/, 'expected a name such as NET_BIND_SERVICE')).default([]),
    seccompProfile: z
      .strictObject({
        type: z.enum(['RuntimeDefault', 'Localhost', 'Unconfined']),
        localhostProfile: z.string().min(1).optional(),
      })
      .refine(
        ({ type, localhostProfile }) => (type === 'Localhost') === (localhostProfile !== undefined),
        'expected localhostProfile where type is Localhost, and only there',
      )
      .default({ type: 'RuntimeDefault' }),
  })
  .refine(({ runAsNonRoot, runAsUser }) => !runAsNonRoot || runAsUser !== 0, {
    path: ['runAsUser'],
    error: 'expected another user than 0 while runAsNonRoot is true',
  });

const ownerSchema = z.strictObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  name: objectName,
  uid: z.string().min(1),
});

const siteSchema = z
  .strictObject({
    name: dnsLabel,
    type: z.literal('kubernetes', 'expected "kubernetes"'),
    namespace: dnsLabel,
    nodePools: z.array(nodePoolSchema).min(1, 'expected at least one'),
    defaults: z.strictObject({ requests: share.prefault({}), limits: share.prefault({}) }).prefault({}),
    actionImages: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?$/, 'expected a repository such as registry.example.com/ryax/actions')
      .optional(),
    /** Of the server that brings files into the pods of commands and out of them. */
    filesImage: z
      .string()
      .regex(/^[a-z0-9][\w./:@-]*$/, 'expected an image such as registry.example.com/ryax/files:1')
      .optional(),
    /** Whether the pod of an action image serves one attempt after another, or one. */
    handlers: z.enum(['warm', 'job'], 'expected "warm" or "job"').default('warm'),
    /** Whether a deployment has warm pods made for its handlers before the first run. */
    prewarm: z.boolean().default(true),
    imagePullSecrets: z.array(objectName).default([]),
    serviceAccount: objectName.optional(),
    priorityClass: objectName.optional(),
    owner: ownerSchema.optional(),
    labels: addedLabels.default({}),
    annotations: addedAnnotations.default({}),
    securityContext: securityContextSchema.prefault({}),
    gracePeriod: positive(duration).prefault('30s'),
    retention: duration.prefault('10m'),
    patience: z
      .strictObject({
        image: duration.prefault('5m'),
        // A node backs off for 10 s and for 20 s: an image that was pushed a moment later is still found.
        refusedImage: duration.prefault('45s'),
        configuration: duration.prefault('2m'),
        starting: duration.prefault('10m'),
        unschedulable: duration.prefault('10m'),
        unreachable: duration.prefault('5m'),
      })
      .prefault({}),
    podTemplate: podTemplateSchema.default({}),
  })
  .superRefine(({ nodePools, defaults }, context) => {
    nodePools.forEach(({ name }, index) => {
      if (nodePools.findIndex((other) => other.name === name) === index) return;
      context.addIssue({ code: 'custom', path: ['nodePools', index, 'name'], message: `"${name}" is there twice` });
    });
    for (const [field, requested, limit] of [
      ['cpu', defaults.requests.cpu, defaults.limits.cpu],
      ['memory', defaults.requests.memoryBytes, defaults.limits.memoryBytes],
      ['ephemeralStorage', defaults.requests.ephemeralStorageBytes, defaults.limits.ephemeralStorageBytes],
    ] as const) {
      if (requested === undefined || limit === undefined || requested <= limit) continue;
      context.addIssue({
        code: 'custom',
        path: ['defaults', 'limits', field],
        message: 'expected at least what is requested',
      });
    }
  })
  .transform(({ gracePeriod, retention, patience, ...rest }) => ({
    ...rest,
    gracePeriodMs: gracePeriod,
    retentionMs: retention,
    patienceMs: patience,
  }));

/** A Kubernetes cluster, or a part of one, as its platform engineer describes it: docs/sites.md. */
export type SiteConfig = z.infer<typeof siteSchema>;

/** Every fault of a site's configuration at once. */
export class SiteConfigError extends WrongConfiguration {
  readonly code = 'site_config_invalid';

  constructor(
    readonly source: string,
    readonly faults: readonly Fault[],
    options?: ErrorOptions,
  ) {
    const lines = faults.map(({ path, reason }) => (path === '' ? `  ${reason}` : `  ${path}: ${reason}`));
    super(`The site's configuration in ${source} is not valid:\n${lines.join('\n')}`, options);
    this.name = 'SiteConfigError';
  }
}

/** @throws SiteConfigError */
export function readSiteFile(path: string): SiteConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SiteConfigError(path, [{ path: '', reason: messageOf(error) }], { cause: error });
  }
  return parseSite(text, path);
}

/**
 * A site from YAML text, of which JSON is a part.
 * @param source where it comes from, for the error
 * @throws SiteConfigError
 */
export function parseSite(text: string, source: string): SiteConfig {
  const parsed = siteSchema.safeParse(valueOf(text, source), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new SiteConfigError(source, parsed.error.issues.flatMap(faultsOf));
}

function valueOf(text: string, source: string): JsonValue {
  try {
    return readYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new SiteConfigError(source, [{ path: '', reason: error.shown }], { cause: error });
  }
}

/** What all nodes of a pool have together. */
export function capacityOf({ slots, nodes, cpu, memoryBytes, gpu }: NodePool): Amounts {
  return { slots, cpu: nodes * cpu, memory_bytes: nodes * memoryBytes, gpu: nodes * gpu };
}

/** What of a pool one execution can have: it runs on one node. */
export function largestOf({ slots, cpu, memoryBytes, gpu }: NodePool): Amounts {
  return { slots, cpu, memory_bytes: memoryBytes, gpu };
}

/** As runners are told of it. */
export function kindOf({ architecture, scores, timeLimitMs, cpu, memoryBytes, gpu }: NodePool): Omit<PoolKind, 'name'> {
  return {
    architecture: architecture ?? null,
    scores,
    time_limit_ms: timeLimitMs,
    node: { cpu, memory_bytes: memoryBytes, gpu },
  };
}

/**
 * What is for one of several executors of a pool: whole nodes, as a part of one would be too small for what fits a node, and as many
 * slots as go with them. Where there are more executors than nodes, the last have nothing.
 */
export function shareOf(pool: NodePool, index: number, executors: number): Amounts {
  const sharers = Math.min(executors, pool.nodes, pool.slots);
  const part = (whole: number) =>
    index < sharers ? Math.floor(whole / sharers) + (index < whole % sharers ? 1 : 0) : 0;
  return capacityOf({ ...pool, nodes: part(pool.nodes), slots: part(pool.slots) });
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const path = pathText(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: pathText([...issue.path, key]), reason: 'unknown field' }));
    case 'invalid_key':
      return [{ path, reason: issue.issues[0]?.message ?? 'is no valid name' }];
    case 'invalid_type':
      if (issue.expected === 'never') return [{ path, reason: issue.message }];
      return [
        {
          path,
          reason: issue.input === undefined ? 'is required' : `expected ${nouns[issue.expected] ?? issue.expected}`,
        },
      ];
    default:
      // zod begins its own words with what kind of fault it is: `Too big: expected …`.
      return [{ path, reason: issue.message.replace(/^[A-Z][a-z ]+: /, '') }];
  }
}

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** `nodePools[1].selector`. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}
