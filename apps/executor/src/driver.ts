import type { FileStore, Secrets } from '@ryax/filestore';
import { inheritedEnvironment, type Clock, type Health, type Log, type Metrics } from '@ryax/platform';
import { executorSettings, mostIdleWorkers, type ExecutorVariables } from './executor.config';
import { ClusterConnection, openKubernetes, readPlace } from './kubernetes';
import type { Launcher } from './launcher';
import { ProcessLauncher } from './process';
import type { ExecutorSettings } from './settings';

/** What runs actions, as the configuration chooses it. */
export interface Driver {
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
  /** Told when a vital part has ended for good. */
  readonly health: Health;
}

/**
 * Pods where a site's file is given, otherwise processes of this machine. Whatever is wrong with the file or the kubeconfig is said
 * here, before anything else is opened.
 * @throws WrongConfiguration
 */
export async function chooseDriver(config: ExecutorVariables, clock: Clock): Promise<Driver> {
  const { RYAX_SITE_CONFIG: siteFile } = config;
  return siteFile === undefined ? processDriver(config, clock) : kubernetesDriver(siteFile, config, clock);
}

function processDriver(config: ExecutorVariables, clock: Clock): Driver {
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

async function kubernetesDriver(siteFile: string, config: ExecutorVariables, clock: Clock): Promise<Driver> {
  const { site, pool, settings } = readPlace(siteFile, config);
  const connection = await ClusterConnection.open(clock);
  return {
    settings: { ...executorSettings(config), ...settings },
    open: ({ files, secrets, directory, log, metrics, health }) =>
      openKubernetes({
        ...{ site, pool, connection, files, secrets, directory, log, clock, metrics, health },
        idleMs: config.RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS * 1000,
        inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
        rate: { perSecond: config.RYAX_KUBERNETES_QPS, burst: config.RYAX_KUBERNETES_BURST },
      }),
  };
}
