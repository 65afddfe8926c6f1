import { join } from 'node:path';
import type { FileStore, Secrets } from '@ryax/filestore';
import { inheritedEnvironment, type Clock, type Log, type Metrics } from '@ryax/platform';
import { executorSettings, mostIdleWorkers, type ExecutorVariables } from './executor.config';
import type { ServedPool } from './executor.module';
import { ClusterConnection, openKubernetes, readPlace, RequestBudget } from './kubernetes';
import type { Launcher } from './launcher';
import { healthOfPool, type PoolHealth } from './pool-health';
import { ProcessLauncher } from './process';
import { defaultSettings, type ExecutorSettings } from './settings';

/** What runs actions, as the configuration chooses it. */
export interface Driver {
  /** Each has an executor of its own. */
  readonly pools: readonly DriverOfPool[];
}

export interface DriverOfPool {
  readonly settings: Partial<ExecutorSettings>;
  open(parts: DriverParts): Promise<Launcher>;
}

export interface DriverParts {
  readonly files: FileStore;
  readonly secrets: Secrets;
  /** Of this executor alone. */
  readonly directory: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: PoolHealth;
}

/**
 * Pods where a site's file is given, otherwise processes of this machine. Whatever is wrong with the file or the kubeconfig is said
 * here, before anything else is opened.
 * @throws WrongConfiguration
 */
export async function chooseDriver(config: ExecutorVariables, clock: Clock): Promise<Driver> {
  const { RYAX_SITE_CONFIG: siteFile } = config;
  if (siteFile === undefined) return { pools: [processDriver(config, clock)] };
  return { pools: await kubernetesDrivers(siteFile, config, clock) };
}

/** Several pools have figures, lines in the log, checks and a folder of their own each. */
export async function openPools({ pools }: Driver, parts: DriverParts): Promise<readonly ServedPool[]> {
  return Promise.all(
    pools.map(async (served) => {
      const { settings } = served;
      const { pool = defaultSettings.pool } = settings;
      const own = pools.length === 1 ? parts : partsOfPool(parts, pool);
      const { metrics, log, health } = own;
      return { settings, metrics, log, health, launcher: await served.open(own) };
    }),
  );
}

function partsOfPool(parts: DriverParts, pool: string): DriverParts {
  return {
    ...parts,
    metrics: parts.metrics.part({ pool }),
    log: parts.log.child({ pool }),
    health: healthOfPool(parts.health, pool),
    directory: join(parts.directory, pool),
  };
}

function processDriver(config: ExecutorVariables, clock: Clock): DriverOfPool {
  return {
    settings: executorSettings(config),
    open: ({ files, secrets, directory, log }) =>
      ProcessLauncher.open({
        ...{ files, secrets, directory, log, clock },
        env: inheritedEnvironment(),
        idleMs: config.RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS * 1000,
        mostIdle: mostIdleWorkers(config),
        inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
      }),
  };
}

async function kubernetesDrivers(
  siteFile: string,
  config: ExecutorVariables,
  clock: Clock,
): Promise<readonly DriverOfPool[]> {
  const { site, pools } = readPlace(siteFile, config);
  const rate = { perSecond: config.RYAX_KUBERNETES_QPS, burst: config.RYAX_KUBERNETES_BURST };
  const budget = new RequestBudget(rate, clock);
  const connected = pools.map(async (place) => ({ ...place, connection: await ClusterConnection.open(clock) }));
  return (await Promise.all(connected)).map(({ pool, settings, connection }) => ({
    settings: { ...executorSettings(config), ...settings },
    open: ({ files, secrets, directory, log, metrics, health }) =>
      openKubernetes({
        ...{ site, pool, connection, budget, rate, files, secrets, directory, log, clock, metrics, health },
        idleMs: config.RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS * 1000,
        inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
      }),
  }));
}
