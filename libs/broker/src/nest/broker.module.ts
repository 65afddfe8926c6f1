import { Module, type DynamicModule } from '@nestjs/common';
import { Log, Shutdown } from '@ryax/platform';
import { openBroker, type BrokerOptions } from '../open-broker';

/** The {@link Broker} of an application. */
export const BROKER = Symbol('broker');

/** Opens a broker for the whole application and closes it last. Needs the PlatformModule of whoever creates it. */
@Module({})
export class BrokerModule {
  static forRoot(options: Omit<BrokerOptions, 'log'>): DynamicModule {
    const broker = {
      provide: BROKER,
      inject: [Log, Shutdown],
      useFactory: (log: Log, shutdown: Shutdown) => {
        const opened = openBroker({ ...options, log });
        shutdown.add('close', 'broker', () => opened.close());
        return opened;
      },
    };
    return { module: BrokerModule, global: true, providers: [broker], exports: [BROKER] };
  }
}
