import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WrongConfiguration } from './config';
import type { Log } from './log';
import { Metrics } from './metrics';
import { NestLogger } from './nest-logger';
import { OperationsServer } from './operations';
import { PlatformModule } from './platform.module';
import { Shutdown } from './shutdown';

/** A service in a process of its own, as its main describes it once the configuration is read. */
export interface ServiceProcess {
  readonly log: Log;
  /** Where `/healthz`, `/readyz` and `/metrics` are answered. */
  readonly healthPort: number;
  readonly module: DynamicModule;
  /** Closes what the service was given: the connection to the broker. */
  readonly close: () => Promise<void>;
}

/** Exit status of a process whose configuration is wrong: starting it again does not help. */
const wrongConfiguration = 78;

/** Runs a service without REST until it is told to stop. A configuration that is wrong is said on stderr, all of it. */
export async function runService(service: string, prepare: () => Promise<ServiceProcess>): Promise<void> {
  try {
    const { log, healthPort, module, close } = await prepare();
    const platform = PlatformModule.forRoot({ service, log });
    const app = await NestFactory.createApplicationContext(
      { module: ServiceRoot, imports: [platform, module] },
      { logger: new NestLogger(log), abortOnError: false },
    );
    app.get(Metrics).collectProcess();
    const shutdown = app.get(Shutdown);
    shutdown.add('close', 'connection to the broker', close);
    const port = await app.get(OperationsServer).start(healthPort);
    shutdown.add('close', 'health server', () => app.get(OperationsServer).stop());
    shutdown.listen();
    log.info('Service started', { service, health_port: port });
  } catch (error) {
    exitWith(error);
  }
}

/** Says why a process cannot start, and ends it. */
export function exitWith(error: unknown): never {
  process.stderr.write(
    `${error instanceof WrongConfiguration ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(error instanceof WrongConfiguration ? wrongConfiguration : 1);
}

class ServiceRoot {}
