import { brokerUrl, dataDirectory, encryptionKey, httpPort, jwtSecretKey, logLevel } from '@ryax/platform';
import { z } from 'zod';

export const intakeConfigSchema = z.object({
  RYAX_BROKER: brokerUrl,
  RYAX_DATA_DIR: dataDirectory,
  RYAX_HTTP_PORT: httpPort,
  RYAX_LOG_LEVEL: logLevel,
  RYAX_JWT_SECRET_KEY: jwtSecretKey,
  RYAX_ENCRYPTION_KEY: encryptionKey.optional(),
});

export interface IntakeOptions {
  /** Without it requests carry no tokens: only for an engine that listens on the loopback interface. */
  readonly jwtSecretKey: string | undefined;
  /** How long a command may take until its caller is told to ask again. */
  readonly commandDeadlineMs: number;
  readonly queryDeadlineMs: number;
}
