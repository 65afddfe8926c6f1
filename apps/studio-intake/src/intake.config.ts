import { limits } from '@ryax/contracts';
import { upTo, brokerUrl, dataDirectory, encryptionKey, httpPort, jwtSecretKey, logLevel } from '@ryax/platform';
import { z } from 'zod';

/** What the intake refuses by; standalone reads the same. Each is named as in `limits`. */
export const intakeVariables = {
  RYAX_LIMIT_DEFINITION_BYTES: upTo(limits.definitionBytes),
  RYAX_LIMIT_ACTIONS_PER_WORKFLOW: upTo(limits.actionsPerWorkflow),
  RYAX_LIMIT_INLINE_VALUE_BYTES: upTo(limits.inlineValueBytes),
  RYAX_LIMIT_STARTS_IN_FLIGHT: upTo(100_000, limits.startsInFlight),
  RYAX_LIMIT_RUNS_IN_FLIGHT_PER_PROJECT: upTo(10_000_000, limits.runsInFlightPerProject),
  RYAX_LIMIT_BODY_BYTES_IN_FLIGHT: upTo(4_294_967_296, limits.bodyBytesInFlight),
};

export const intakeConfigSchema = z.object({
  ...intakeVariables,
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
  readonly limits: IntakeLimits;
}

/** The bounds that an intake keeps, named as in `limits`. */
export type IntakeLimits = Readonly<
  Record<
    | 'definitionBytes'
    | 'actionsPerWorkflow'
    | 'inlineValueBytes'
    | 'startsInFlight'
    | 'runsInFlightPerProject'
    | 'bodyBytesInFlight',
    number
  >
>;

export function intakeLimits(config: z.infer<z.ZodObject<typeof intakeVariables>>): IntakeLimits {
  return {
    definitionBytes: config.RYAX_LIMIT_DEFINITION_BYTES,
    actionsPerWorkflow: config.RYAX_LIMIT_ACTIONS_PER_WORKFLOW,
    inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
    startsInFlight: config.RYAX_LIMIT_STARTS_IN_FLIGHT,
    runsInFlightPerProject: config.RYAX_LIMIT_RUNS_IN_FLIGHT_PER_PROJECT,
    bodyBytesInFlight: config.RYAX_LIMIT_BODY_BYTES_IN_FLIGHT,
  };
}
