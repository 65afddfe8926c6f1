import { executorVariables } from '../../executor/src/executor.config';
import { runnerVariables } from '../../runner/src/runner.config';
import { stateStoreVariables } from '../../state-store/src/state-store.config';
import { intakeVariables } from '../../studio-intake/src/intake.config';
import { dataDirectory, datastoreUrl, encryptionKey, httpPort, jwtSecretKey, logLevel } from '@ryax/platform';
import { z } from 'zod';

/** The four services' own variables, and what this process needs beside them. */
export const standaloneConfigSchema = z.object({
  ...runnerVariables,
  ...executorVariables,
  ...stateStoreVariables,
  ...intakeVariables,
  /** Fewer than a runner of its own decides together: requests and read models share the thread, and wait for each batch. */
  RYAX_BATCH_MESSAGES: runnerVariables.RYAX_BATCH_MESSAGES.default(100),
  /** A PostgreSQL to use instead of the embedded one. */
  RYAX_DATASTORE: datastoreUrl.optional(),
  RYAX_DATA_DIR: dataDirectory,
  RYAX_HTTP_PORT: httpPort,
  RYAX_LOG_LEVEL: logLevel,
  /** With a key, requests need tokens, and the engine listens on all interfaces; without one, on 127.0.0.1 only. */
  RYAX_JWT_SECRET_KEY: jwtSecretKey.optional(),
  RYAX_ENCRYPTION_KEY: encryptionKey.optional(),
});
