import { brokerUrl, dataDirectory, datastoreUrl, healthPort, logLevel } from '@ryax/platform';
import { z } from 'zod';

const mebibytes = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'a whole number of MiB, from 1 to 99999')
  .transform(Number);

/** What the state store reads by; standalone uses the defaults. */
export const stateStoreVariables = {
  /** Memory for runs that are read, folded. */
  RYAX_READ_CACHE_MIB: mebibytes.default(128),
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
}

const variablesSchema = z.object(stateStoreVariables);

export function stateStoreOptions(config: z.infer<typeof variablesSchema>): StateStoreOptions {
  return { cacheBytes: config.RYAX_READ_CACHE_MIB * 1024 * 1024 };
}
