import { ConfigurableModuleBuilder, Inject, Module, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { Clock, Health, Log, Shutdown } from '@ryax/platform';
import { DatabaseClock } from './database-clock';
import { Database } from './postgres/database';
import { watchDurability } from './postgres/durability';
import { DatabaseIdentityWatch } from './postgres/identity';
import { openEventLog, type EventLogOptions, type OpenEventLog } from './postgres/open';
import { Settings } from './postgres/settings';

/** Tokens of the ports, to be injected by `@Inject(EVENT_LOG) log: EventLog`. */
export const EVENT_LOG = Symbol('EventLog');
export const TAIL = Symbol('Tail');
export const MEMBERS = Symbol('Members');
export const READERS = Symbol('Readers');
export const LOCKS = Symbol('Locks');

const OPENED = Symbol('OpenEventLog');

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<EventLogOptions>()
  .setClassMethodName('forRoot')
  .build();

const parts: Provider[] = [
  part(EVENT_LOG, (opened) => opened.log),
  part(TAIL, (opened) => opened.tail),
  part(MEMBERS, (opened) => opened.members),
  part(READERS, (opened) => opened.readers),
  part(LOCKS, (opened) => opened.locks),
  part(Settings, (opened) => opened.settings),
  part(DatabaseClock, (opened) => opened.clock),
  part(DatabaseIdentityWatch, (opened) => opened.identity),
  part(Database, (opened) => opened.database),
];

/**
 * The log on a pool of its own: `EventLogModule.forRoot({ url, applicationName })`. Leans on PlatformModule. The pool
 * is closed in the last phase of the shutdown, or with the application where no shutdown is run.
 */
@Module({
  providers: [
    {
      provide: OPENED,
      inject: [MODULE_OPTIONS_TOKEN, Log, Clock, Shutdown, Health],
      useFactory: async (options: EventLogOptions, log: Log, clock: Clock, shutdown: Shutdown, health: Health) => {
        const opened = await openEventLog(options, log, clock);
        shutdown.add('close', `event log of ${options.applicationName}`, () => opened.close());
        await watchDurability(health, opened.database, log);
        return opened;
      },
    },
    ...parts,
  ],
  exports: parts,
})
export class EventLogModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  constructor(@Inject(OPENED) private readonly opened: OpenEventLog) {
    super();
  }

  onApplicationShutdown(): Promise<void> {
    return this.opened.close();
  }
}

function part<T>(token: symbol | (abstract new (...args: never[]) => T), get: (opened: OpenEventLog) => T): Provider {
  return { provide: token, inject: [OPENED], useFactory: get };
}
