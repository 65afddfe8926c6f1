import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryBroker, InMemoryServer } from '@ryax/broker';
import { LocalFileStore, openSecrets } from '@ryax/filestore';
import {
  Clock,
  exitWith,
  Health,
  loadConfig,
  Log,
  Metrics,
  NestLogger,
  PlatformModule,
  Shutdown,
  startEmbeddedPostgres,
} from '@ryax/platform';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chooseDriver, openPools } from '../../executor/src/driver';
import { ExecutorModule } from '../../executor/src/executor.module';
import { RunnerModule } from '../../runner/src/runner.module';
import { runnerOptions } from '../../runner/src/runner.config';
import { StateStoreModule } from '../../state-store/src/state-store.module';
import { stateStoreOptions } from '../../state-store/src/state-store.config';
import { intakeLimits } from '../../studio-intake/src/intake.config';
import { IntakeModule } from '../../studio-intake/src/intake.module';
import { fastifyOptions } from '../../studio-intake/src/rest';
import { commandDeadlineMs, queryDeadlineMs, serve } from '../../studio-intake/src/start-intake';
import { standaloneConfigSchema } from './standalone.config';

/** All four services in one process: the broker is in memory, the database an embedded, real PostgreSQL. */
async function main(): Promise<void> {
  const config = loadConfig(standaloneConfigSchema);
  const clock = new Clock();
  const driver = await chooseDriver(config, clock);
  const log = new Log({ service: 'standalone', level: config.RYAX_LOG_LEVEL });
  const dataDirectory = resolve(config.RYAX_DATA_DIR);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });

  const postgres =
    config.RYAX_DATASTORE === undefined
      ? await startEmbeddedPostgres({ directory: join(dataDirectory, 'postgres') })
      : undefined;
  const datastoreUrl = config.RYAX_DATASTORE ?? postgres?.url ?? '';

  const directory = join(dataDirectory, 'files');
  const files = await LocalFileStore.open(directory);
  const secrets = await openSecrets(files, { directory, encryptionKey: config.RYAX_ENCRYPTION_KEY });
  const server = new InMemoryServer();
  const brokers = Array.from({ length: 4 }, () => new InMemoryBroker({ server, log }));
  const [runnerBroker, executorBroker, storeBroker, intakeBroker] = brokers;
  if (!runnerBroker || !executorBroker || !storeBroker || !intakeBroker) throw new Error('Expected four brokers');

  const parts = { files, secrets, log, directory: join(dataDirectory, 'executor') };
  const jwtSecretKey = config.RYAX_JWT_SECRET_KEY;
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: StandaloneRoot,
      imports: [
        PlatformModule.forRoot({ service: 'standalone', log, clock }),
        StateStoreModule.forRoot({
          broker: storeBroker,
          files,
          datastoreUrl,
          // Nobody outside can listen to a broker in our memory. Services that take over this database later relay all of it.
          options: { ...stateStoreOptions(config), isRelaying: false },
        }),
        RunnerModule.forRoot({ broker: runnerBroker, files, datastoreUrl, options: runnerOptions(config) }),
        ExecutorModule.forRootAsync({
          inject: [Metrics, Health],
          useFactory: async (metrics: Metrics, health: Health) => ({
            broker: executorBroker,
            pools: await openPools(driver, { ...parts, metrics, health }),
          }),
        }),
        IntakeModule.forRoot({
          broker: intakeBroker,
          files,
          secrets,
          options: { jwtSecretKey, commandDeadlineMs, queryDeadlineMs, limits: intakeLimits(config) },
        }),
      ],
    },
    new FastifyAdapter(fastifyOptions),
    { logger: new NestLogger(log), abortOnError: false },
  );
  app.get(Metrics).collectProcess();
  const shutdown = app.get(Shutdown);
  if (postgres !== undefined) shutdown.add('close', 'embedded PostgreSQL', () => postgres.stop());
  shutdown.add('close', 'in-memory broker', async () => {
    await Promise.all(brokers.map((broker) => broker.close()));
  });
  const host = jwtSecretKey === undefined ? '127.0.0.1' : '0.0.0.0';
  await serve(app, { broker: intakeBroker, log, shutdown, port: config.RYAX_HTTP_PORT, host });
  shutdown.listen();
  log.info('Engine started', { url: await app.getUrl(), data_directory: dataDirectory });
}

class StandaloneRoot {}

main().catch(exitWith);
