import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Broker, DeadLetterQueue } from '@ryax/broker';
import {
  Database,
  DatabaseClock,
  DatabaseIdentityWatch,
  EVENT_LOG,
  EventLogModule,
  LOCKS,
  MEMBERS,
  READERS,
  Settings,
  TAIL,
  type OpenEventLog,
} from '@ryax/event-log';
import type { FileStore } from '@ryax/filestore';
import { Health, IdSource, Log, Metrics, Shutdown } from '@ryax/platform';
import { migrateStateStore } from './database/migrate';
import { StateStore } from './state-store';
import type { StateStoreOptions } from './state-store.config';

export interface StateStoreModuleOptions {
  /** Opened by its owner, and closed by it after the state store. */
  readonly broker: Broker & DeadLetterQueue;
  readonly files: FileStore;
  /** `postgresql://user:password@host:port/database` */
  readonly datastoreUrl: string;
  readonly options: StateStoreOptions;
}

/**
 * The state store, for a process of its own or one among others: it keeps nothing outside of its instance. Needs the
 * PlatformModule of whoever creates the application.
 */
@Module({})
export class StateStoreModule implements OnApplicationBootstrap {
  constructor(
    private readonly store: StateStore,
    private readonly shutdown: Shutdown,
  ) {}

  static forRoot({ broker, files, datastoreUrl, options }: StateStoreModuleOptions): DynamicModule {
    const store = {
      provide: StateStore,
      useFactory: async (
        log: OpenEventLog['log'],
        tail: OpenEventLog['tail'],
        readers: OpenEventLog['readers'],
        locks: OpenEventLog['locks'],
        members: OpenEventLog['members'],
        settings: Settings,
        clock: DatabaseClock,
        identity: DatabaseIdentityWatch,
        database: Database,
        ids: IdSource,
        logger: Log,
        metrics: Metrics,
        health: Health,
      ) => {
        await migrateStateStore(datastoreUrl, logger);
        const eventLog = { log, tail, readers, locks, members, settings, clock, identity, database };
        const part = logger.child({ part: 'state-store' });
        return new StateStore({ broker, eventLog, files, options, ids, log: part, metrics, health });
      },
      inject: [
        EVENT_LOG,
        TAIL,
        READERS,
        LOCKS,
        MEMBERS,
        Settings,
        DatabaseClock,
        DatabaseIdentityWatch,
        Database,
        IdSource,
        Log,
        Metrics,
        Health,
      ],
    };
    return {
      module: StateStoreModule,
      imports: [EventLogModule.forRoot({ url: datastoreUrl, applicationName: 'ryax-state-store' })],
      providers: [store],
      exports: [StateStore],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { store, shutdown } = this;
    await store.start();
    shutdown.add('stop-taking', 'state store takes no more queries', () => store.stopTaking());
    shutdown.add('finish', 'state store finishes its batches', () => store.close());
  }
}
