import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Clock } from './clock';
import { Health } from './health';
import { IdSource } from './id-source';
import { Log, type LogLevel } from './log';
import { Metrics } from './metrics';
import { OperationsServer } from './operations';
import { Shutdown } from './shutdown';

export interface PlatformOptions {
  readonly service: string;
  readonly logLevel?: LogLevel;
  readonly shutdownDeadlineMs?: number;
  /** Given by a test that wants to see or steer one of them. */
  readonly log?: Log;
  readonly clock?: Clock;
  readonly ids?: IdSource;
}

/**
 * What every service leans on, one instance for an application: imported once, by the module that `main` creates
 * (`imports: [PlatformModule.forRoot({ service: 'runner' }), RunnerModule]`), never by the services' own modules,
 * so that standalone can give all four the same log, health, metrics and shutdown.
 */
@Global()
@Module({})
export class PlatformModule {
  static forRoot(options: PlatformOptions): DynamicModule {
    const { service, logLevel = 'info', shutdownDeadlineMs } = options;
    const shutdownOptions = shutdownDeadlineMs === undefined ? {} : { deadlineMs: shutdownDeadlineMs };
    const providers = [
      { provide: Log, useValue: options.log ?? new Log({ service, level: logLevel }) },
      { provide: Clock, useValue: options.clock ?? new Clock() },
      { provide: IdSource, useValue: options.ids ?? new IdSource() },
      { provide: Shutdown, useFactory: (log: Log) => new Shutdown(log, shutdownOptions), inject: [Log] },
      {
        provide: OperationsServer,
        useFactory: (health: Health, metrics: Metrics) => new OperationsServer(health, metrics),
        inject: [Health, Metrics],
      },
      Health,
      Metrics,
    ];
    return { module: PlatformModule, providers, exports: providers };
  }
}
