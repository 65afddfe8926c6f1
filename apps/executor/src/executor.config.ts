import { limits } from '@ryax/contracts';
import { brokerUrl, dataDirectory, encryptionKey, healthPort, logLevel, pool, site, upTo } from '@ryax/platform';
import { z } from 'zod';
import { machineCapacity, machineKind, type ExecutorSettings } from './settings';

function wholeNumber(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .refine((value) => value >= least && value <= most, expected);
}

const amount = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'a number such as 4 or 0.5')
  .transform(Number);

const unitBytes = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const;

/** As in a definition's `resources`: units are powers of 1024. */
const bytes = z
  .string()
  .regex(/^\d+(\.\d+)?\s*([KMGT](i?B)?)?$/, 'bytes, or a size such as 512M or 16G')
  .transform((text) => {
    const unit = Object.entries(unitBytes).find(([letter]) => text.includes(letter));
    return Math.floor(Number.parseFloat(text) * (unit?.[1] ?? 1));
  });

/** What an executor offers; the defaults are what the machine has. Standalone uses the same ones. */
export const executorVariables = {
  /** Default: `local`, or as the site's file says. */
  RYAX_SITE: site.optional(),
  RYAX_POOL: pool.optional(),
  /** The file that describes a Kubernetes site (docs/sites.md): with it actions run as pods there, without it as processes here. */
  RYAX_SITE_CONFIG: z.string().optional(),
  /** Requests to its API server: so many a second, and so many at once after a quiet time. */
  RYAX_KUBERNETES_QPS: wholeNumber(1, 10_000).default(50),
  RYAX_KUBERNETES_BURST: wholeNumber(1, 10_000).default(100),
  /** Executions at once. Default: four for each core, at least eight. */
  RYAX_MAX_CONCURRENT_TASKS: wholeNumber(1, 100_000).optional(),
  /** Cores, memory and GPUs that executions may ask for in all. GPUs are not looked for: default 0. */
  RYAX_POOL_CPU: amount.optional(),
  RYAX_POOL_MEMORY: bytes.optional(),
  RYAX_POOL_GPU: amount.optional(),
  /** A warm worker that was not used for so long is ended. */
  RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS: wholeNumber(0, 31_536_000).default(300),
  /** Output that is kept of one attempt; what comes after is dropped, which its last line says. */
  RYAX_LIMIT_LOG_BYTES_PER_ATTEMPT: upTo(4_294_967_296, limits.logBytesPerAttempt),
  /** An output that travels inside a message; larger ones go through the filestore. */
  RYAX_LIMIT_INLINE_VALUE_BYTES: upTo(limits.inlineValueBytes),
  /** How long a shutdown lets run what runs. */
  RYAX_FINISH_SECONDS: wholeNumber(0, 86_400).default(10),
};

export const executorConfigSchema = z.object({
  ...executorVariables,
  RYAX_BROKER: brokerUrl,
  RYAX_DATA_DIR: dataDirectory,
  RYAX_ENCRYPTION_KEY: encryptionKey.optional(),
  RYAX_HEALTH_PORT: healthPort,
  RYAX_LOG_LEVEL: logLevel,
});

export type ExecutorVariables = z.infer<z.ZodObject<typeof executorVariables>>;

/** Of an executor that runs processes: it offers what its machine has. */
export function executorSettings(config: ExecutorVariables): Partial<ExecutorSettings> {
  const machine = machineCapacity();
  const capacity = {
    slots: config.RYAX_MAX_CONCURRENT_TASKS ?? machine.slots,
    cpu: config.RYAX_POOL_CPU ?? machine.cpu,
    memory_bytes: config.RYAX_POOL_MEMORY ?? machine.memory_bytes,
    gpu: config.RYAX_POOL_GPU ?? machine.gpu,
  };
  return {
    ...(config.RYAX_SITE !== undefined && { site: config.RYAX_SITE }),
    ...(config.RYAX_POOL !== undefined && { pool: config.RYAX_POOL }),
    capacity,
    poolKind: machineKind(capacity),
    logBytesPerAttempt: config.RYAX_LIMIT_LOG_BYTES_PER_ATTEMPT,
    finishMs: config.RYAX_FINISH_SECONDS * 1000,
  };
}

/** So few warm workers are kept in any case: actions that take turns find theirs again. */
const leastIdleWorkers = 16;

/** How many workers may wait for their next call: what has filled all slots finds all of them warm when it comes again. */
export function mostIdleWorkers(config: ExecutorVariables): number {
  return Math.max(leastIdleWorkers, config.RYAX_MAX_CONCURRENT_TASKS ?? machineCapacity().slots);
}
