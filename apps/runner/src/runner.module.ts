import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Broker } from '@ryax/broker';
import {
  DatabaseClock,
  DatabaseIdentityWatch,
  Database,
  EVENT_LOG,
  EventLogModule,
  LOCKS,
  MEMBERS,
  Settings,
  type OpenEventLog,
} from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import { Clock, Health, IdSource, Log, Metrics, Shutdown } from '@ryax/platform';
import { Runner } from './runner';
import type { RunnerOptions } from './runner.config';

export interface RunnerModuleOptions {
  /** Connected by its owner, and closed by it after the runner. */
  readonly broker: Broker;
  readonly files: FileStore;
  /** `postgresql://user:password@host:port/database` */
  readonly datastoreUrl: string;
  readonly options: RunnerOptions;
}

/**
 * The runner service, for a process of its own or one among others: it keeps nothing outside of its instance. Needs the
 * PlatformModule of whoever creates the application.
 */
@Module({})
export class RunnerModule implements OnApplicationBootstrap {
  constructor(
    private readonly runner: Runner,
    private readonly shutdown: Shutdown,
  ) {}

  static forRoot({ broker, files, datastoreUrl, options }: RunnerModuleOptions): DynamicModule {
    const runner = {
      provide: Runner,
      useFactory: (
        log: OpenEventLog['log'],
        members: OpenEventLog['members'],
        locks: OpenEventLog['locks'],
        settings: Settings,
        databaseClock: DatabaseClock,
        identity: DatabaseIdentityWatch,
        database: Database,
        clock: Clock,
        ids: IdSource,
        logger: Log,
        metrics: Metrics,
        health: Health,
      ) =>
        new Runner({
          broker,
          eventLog: { log, members, locks, settings, clock: databaseClock, identity, database },
          files,
          options,
          clock,
          ids,
          log: logger.child({ part: 'runner' }),
          metrics,
          health,
          random: Math.random,
        }),
      inject: [
        EVENT_LOG,
        MEMBERS,
        LOCKS,
        Settings,
        DatabaseClock,
        DatabaseIdentityWatch,
        Database,
        Clock,
        IdSource,
        Log,
        Metrics,
        Health,
      ],
    };
    return {
      module: RunnerModule,
      imports: [EventLogModule.forRoot({ url: datastoreUrl, applicationName: 'ryax-runner' })],
      providers: [runner],
      exports: [Runner],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { runner, shutdown } = this;
    await runner.start();
    shutdown.add('stop-taking', 'runner takes nothing more', () => runner.stopTaking());
    shutdown.add('finish', 'runner leaves', () => runner.close());
  }
}
