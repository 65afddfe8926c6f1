import { limits } from '@ryax/contracts';
import { brokerUrl, dataDirectory, datastoreUrl, healthPort, logLevel, partitions, upTo } from '@ryax/platform';
import { z } from 'zod';

/** Between two beats of a runner, as between two of an executor. */
export const beatMs = 1_000;

/** How much of a gap between two beats of our own that we hear counts as silence of others. */
export const maxGapMs = 2 * beatMs;

/** An executor that has not missed a beat may be silent for one, and for the longest gap that counts: that is not a death. */
export const leastExecutorPatienceMs = beatMs + maxGapMs + beatMs / 2;

function milliseconds(fallback: number, least: number) {
  const expected = `a whole number of milliseconds, at least ${least}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= least, expected)
    .default(fallback);
}

function count(fallback: number, most: number) {
  const expected = `a whole number from 1 to ${most}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= 1 && value <= most, expected)
    .default(fallback);
}

/** What the runner decides by. */
export const runnerVariables = {
  RYAX_PARTITIONS: partitions,
  /** Credible silence after which an executor counts as dead. */
  RYAX_EXECUTOR_PATIENCE_MS: milliseconds(10_000, leastExecutorPatienceMs),
  /** How long an execution that asks for a site, a pool or an architecture that nobody has waits for one to come. */
  RYAX_PLACEMENT_PATIENCE_MS: milliseconds(300_000, 0),
  /** Age of a runner's last beat after which the others take over its partitions. */
  RYAX_RUNNER_PATIENCE_MS: milliseconds(4_000, 1_500),
  /** How long a start may be spawned; nothing is emitted again before it has passed. */
  RYAX_START_VALIDITY_MS: milliseconds(5_000, 500),
  /** Messages decided in one transaction at most. */
  RYAX_BATCH_MESSAGES: count(500, 10_000),
  /** Memory for folded runs, in MiB. */
  RYAX_RUN_CACHE_MIB: count(128, 65_536),
  RYAX_LIMIT_INLINE_VALUE_BYTES: upTo(limits.inlineValueBytes),
};

export const runnerConfigSchema = z.object({
  ...runnerVariables,
  RYAX_BROKER: brokerUrl,
  RYAX_DATASTORE: datastoreUrl,
  RYAX_DATA_DIR: dataDirectory,
  RYAX_HEALTH_PORT: healthPort,
  RYAX_LOG_LEVEL: logLevel,
});

export interface RunnerOptions {
  readonly partitions: number;
  readonly executorPatienceMs: number;
  readonly placementPatienceMs: number;
  readonly runnerPatienceMs: number;
  readonly startValidityMs: number;
  readonly batchMessages: number;
  readonly cacheBytes: number;
  readonly inlineValueBytes: number;
}

export function runnerOptions(config: z.infer<z.ZodObject<typeof runnerVariables>>): RunnerOptions {
  return {
    partitions: config.RYAX_PARTITIONS,
    executorPatienceMs: config.RYAX_EXECUTOR_PATIENCE_MS,
    placementPatienceMs: config.RYAX_PLACEMENT_PATIENCE_MS,
    runnerPatienceMs: config.RYAX_RUNNER_PATIENCE_MS,
    startValidityMs: config.RYAX_START_VALIDITY_MS,
    batchMessages: config.RYAX_BATCH_MESSAGES,
    cacheBytes: config.RYAX_RUN_CACHE_MIB * 1024 * 1024,
    inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
  };
}
