import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Broker } from '@ryax/broker';
import { Clock, Health, IdSource, Log, Metrics, Shutdown } from '@ryax/platform';
import { Executor } from './executor';
import type { Launcher } from './launcher';
import { defaultSettings, type ExecutorSettings } from './settings';

export interface ExecutorModuleOptions {
  /** Opened by its owner, and closed by it after the executor. */
  readonly broker: Broker;
  /** What runs actions; the executor closes it. */
  readonly launcher: Launcher;
  readonly settings?: Partial<ExecutorSettings>;
}

type AsyncOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<ExecutorModuleOptions | Promise<ExecutorModuleOptions>>, 'useFactory' | 'inject'>;

const OPTIONS = Symbol('ExecutorModuleOptions');

/**
 * The executor service, for a process of its own or one among others: it keeps nothing outside of its instance. Needs the
 * PlatformModule of whoever creates the application.
 */
@Module({})
export class ExecutorModule implements OnApplicationBootstrap {
  constructor(
    private readonly executor: Executor,
    private readonly shutdown: Shutdown,
  ) {}

  static forRoot(options: ExecutorModuleOptions): DynamicModule {
    return ExecutorModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({ imports = [], useFactory, inject = [] }: AsyncOptions): DynamicModule {
    return {
      module: ExecutorModule,
      imports,
      providers: [
        { provide: OPTIONS, useFactory, inject },
        { provide: Executor, useFactory: createExecutor, inject: [OPTIONS, Clock, IdSource, Log, Metrics, Health] },
      ],
      exports: [Executor],
    };
  }

  onApplicationBootstrap(): void {
    const { executor, shutdown } = this;
    executor.start();
    // Both before the runner of the same process stops taking: it still has to settle what ends here.
    shutdown.add('stop-taking', 'executor finishes what runs', () => executor.finish());
    shutdown.add('stop-taking', 'executor takes no more starts', () => executor.stopTaking());
    shutdown.add('finish', 'executor leaves', () => executor.close());
  }
}

function createExecutor(
  { broker, launcher, settings }: ExecutorModuleOptions,
  clock: Clock,
  ids: IdSource,
  log: Log,
  metrics: Metrics,
  health: Health,
): Executor {
  return new Executor({
    broker,
    launcher,
    settings: { ...defaultSettings, ...settings },
    clock,
    ids,
    log,
    metrics,
    health,
  });
}
