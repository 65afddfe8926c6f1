import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { RyaxTransport, type Broker } from '@ryax/broker';
import type { FileStore, Secrets } from '@ryax/filestore';
import { Metrics, NestLogger, PlatformModule, Shutdown, type Log } from '@ryax/platform';

import type { IntakeLimits } from './intake.config';
import { IntakeModule } from './intake.module';
import { fastifyOptions, prepareRest } from './rest';

export interface IntakeProcess {
  readonly broker: Broker;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly log: Log;
  readonly jwtSecretKey: string | undefined;
  readonly limits: IntakeLimits;
  readonly port: number;
  readonly host: string;
}

/** Until then a command is sent again; callers' own patience is usually longer. */
export const commandDeadlineMs = 20_000;
export const queryDeadlineMs = 10_000;

/** The intake as a process of its own. */
export async function startIntake({
  broker,
  files,
  secrets,
  log,
  jwtSecretKey,
  limits,
  port,
  host,
}: IntakeProcess): Promise<void> {
  const options = { jwtSecretKey, commandDeadlineMs, queryDeadlineMs, limits };
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: IntakeRoot,
      imports: [
        PlatformModule.forRoot({ service: 'studio-intake', log }),
        IntakeModule.forRoot({ broker, files, secrets, options }),
      ],
    },
    new FastifyAdapter(fastifyOptions),
    { logger: new NestLogger(log), abortOnError: false },
  );
  app.get(Metrics).collectProcess();
  const shutdown = app.get(Shutdown);
  shutdown.add('close', 'connection to the broker', () => broker.close());
  await serve(app, { broker, log, shutdown, port, host });
  shutdown.listen();
  log.info('Service started', { service: 'studio-intake', url: await app.getUrl() });
}

export interface Serving {
  readonly broker: Broker;
  readonly log: Log;
  readonly shutdown: Shutdown;
  readonly port: number;
  readonly host: string;
}

/** Takes commands by message and by REST. What is in hand at the end is finished before connections close. */
export async function serve(
  app: NestFastifyApplication,
  { broker, log, shutdown, port, host }: Serving,
): Promise<void> {
  prepareRest(app);
  const transport = new RyaxTransport(broker, log);
  app.connectMicroservice({ strategy: transport });
  await app.init();
  shutdown.add('stop-taking', 'commands by message', () => transport.close());
  // The server alone: closing the application would close what open requests still need.
  shutdown.add('stop-taking', 'REST', () => app.getHttpAdapter().getInstance().close());
  await app.startAllMicroservices();
  await app.listen(port, host);
}

class IntakeRoot {}
