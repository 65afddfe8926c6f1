import { brokerUrl, dataDirectory, datastoreUrl, healthPort, logLevel, partitions } from '@ryax/platform';
import { z } from 'zod';

const mebibytes = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'a whole number of MiB, from 1 to 99999')
  .transform(Number);

/** What the state store reads by; standalone uses the defaults. */
export const stateStoreVariables = {
  RYAX_PARTITIONS: partitions,
  /** Memory for runs that are read, folded. */
  RYAX_READ_CACHE_MIB: mebibytes.default(128),
  /** Dead letters that are kept; the oldest go first. */
  RYAX_DEAD_LETTERS_MIB: mebibytes.default(1024),
};

export const stateStoreConfigSchema = z.object({
  ...stateStoreVariables,
  RYAX_BROKER: brokerUrl,
  RYAX_DATASTORE: datastoreUrl,
  RYAX_DATA_DIR: dataDirectory,
  RYAX_HEALTH_PORT: healthPort,
  RYAX_LOG_LEVEL: logLevel,
});

export interface StateStoreOptions {
  readonly cacheBytes: number;
  readonly deadLetterBytes: number;
  /** Stored at the very first start, by whichever service comes first. */
  readonly partitions: number;
  /** Whether committed events are published to `ryax.events`. */
  readonly isRelaying: boolean;
}

export function stateStoreOptions(config: z.infer<z.ZodObject<typeof stateStoreVariables>>): StateStoreOptions {
  return {
    cacheBytes: config.RYAX_READ_CACHE_MIB * 1024 * 1024,
    deadLetterBytes: config.RYAX_DEAD_LETTERS_MIB * 1024 * 1024,
    partitions: config.RYAX_PARTITIONS,
    isRelaying: true,
  };
}
