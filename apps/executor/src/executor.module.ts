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
import type { PoolHealth } from './pool-health';
import { defaultSettings, type ExecutorSettings } from './settings';

export interface ExecutorModuleOptions {
  /** Opened by its owner, and closed by it after the executors. */
  readonly broker: Broker;
  /** An executor for each. */
  readonly pools: readonly ServedPool[];
}

export interface ServedPool {
  /** What runs actions; its executor closes it. */
  readonly launcher: Launcher;
  readonly settings?: Partial<ExecutorSettings>;
  /** Where several are served: figures, lines in the log and checks of its own. */
  readonly metrics?: Metrics;
  readonly log?: Log;
  readonly health?: PoolHealth;
}

type AsyncOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<ExecutorModuleOptions | Promise<ExecutorModuleOptions>>, 'useFactory' | 'inject'>;

const OPTIONS = Symbol('ExecutorModuleOptions');

/** The executors of one service. */
export class Executors {
  constructor(readonly all: readonly Executor[]) {}

  start(): void {
    for (const executor of this.all) executor.start();
  }

  async stopTaking(): Promise<void> {
    await Promise.all(this.all.map((executor) => executor.stopTaking()));
  }

  async finish(): Promise<void> {
    await Promise.all(this.all.map((executor) => executor.finish()));
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((executor) => executor.close()));
  }
}

/**
 * The executor service, for a process of its own or one among others: it keeps nothing outside of its instance. Needs the
 * PlatformModule of whoever creates the application.
 */
@Module({})
export class ExecutorModule implements OnApplicationBootstrap {
  constructor(
    private readonly executors: Executors,
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
        { provide: Executors, useFactory: createExecutors, inject: [OPTIONS, Clock, IdSource, Log, Metrics, Health] },
      ],
      exports: [Executors],
    };
  }

  onApplicationBootstrap(): void {
    const { executors, shutdown } = this;
    executors.start();
    // Both before the runner of the same process stops taking: it still has to settle what ends here.
    shutdown.add('stop-taking', 'executor finishes what runs', () => executors.finish());
    shutdown.add('stop-taking', 'executor takes no more starts', () => executors.stopTaking());
    shutdown.add('finish', 'executor leaves', () => executors.close());
  }
}

function createExecutors(
  { broker, pools }: ExecutorModuleOptions,
  clock: Clock,
  ids: IdSource,
  log: Log,
  metrics: Metrics,
  health: Health,
): Executors {
  const usual = { broker, clock, ids, log, metrics, health };
  const executors = pools.map(
    (pool) => new Executor({ ...usual, ...pool, settings: { ...defaultSettings, ...pool.settings } }),
  );
  return new Executors(executors);
}
