import type { FileStore, Secrets } from '@ryax/filestore';
import { inheritedEnvironment, type Clock, type Log, type Metrics } from '@ryax/platform';
import { executorSettings, mostIdleWorkers, type ExecutorVariables } from './executor.config';
import { openKubernetes, readPlace } from './kubernetes';
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
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * Pods where a site's file is given, otherwise processes of this machine. Whatever is wrong with the file is said here, before
 * anything is opened.
 * @throws WrongConfiguration
 */
export function chooseDriver(config: ExecutorVariables): Driver {
  const { RYAX_SITE_CONFIG: siteFile } = config;
  return siteFile === undefined ? processDriver(config) : kubernetesDriver(siteFile, config);
}

function processDriver(config: ExecutorVariables): Driver {
  return {
    settings: executorSettings(config),
    open: ({ files, secrets, directory, log, clock }) =>
      ProcessLauncher.open({
        ...{ files, secrets, directory, log, clock },
        env: inheritedEnvironment(),
        idleMs: config.RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS * 1000,
        mostIdle: mostIdleWorkers(config),
        inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
      }),
  };
}

function kubernetesDriver(siteFile: string, config: ExecutorVariables): Driver {
  const { site, pool, settings } = readPlace(siteFile, config);
  return {
    settings: { ...executorSettings(config), ...settings },
    open: ({ files, secrets, log, clock, metrics }) =>
      openKubernetes({
        ...{ site, pool, files, secrets, log, clock, metrics },
        inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
        rate: { perSecond: config.RYAX_KUBERNETES_QPS, burst: config.RYAX_KUBERNETES_BURST },
      }),
  };
}
