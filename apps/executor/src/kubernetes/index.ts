import type { FileStore, Secrets } from '@ryax/filestore';
import type { Clock, Log, Metrics } from '@ryax/platform';
import type { PoolHealth } from '../pool-health';
import { ClusterConnection } from './cluster/connection';
import type { KnownPodsOptions } from './cluster/known-pods';
import { PodApi } from './cluster/pod-api';
import type { PodLogOptions } from './cluster/pod-log';
import { RequestBudget, type Rate } from './cluster/request-budget';
import { KubernetesLauncher } from './kubernetes-launcher';
import { podsOfPool } from './labels';
import type { NodePool, SiteConfig } from './site-config';

export { ClusterConnection } from './cluster/connection';
export { RequestBudget } from './cluster/request-budget';
export { readPlace, type Place, type PlaceOfPool } from './place';
export type { NodePool, SiteConfig } from './site-config';
export type { KubernetesLauncher } from './kubernetes-launcher';

export interface KubernetesOptions {
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: PoolHealth;
  readonly inlineValueBytes: number;
  /** A warm pod without work for so long is removed. */
  readonly idleMs: number;
  /** Of this executor alone: for files on their way to pods and back. */
  readonly directory: string;
  /** Requests to the API server. */
  readonly rate: Rate;
  /** Where it is shared with other pools; otherwise by the rate. */
  readonly budget?: RequestBudget | undefined;
  /** Where it is open already; closed with the launcher. */
  readonly connection?: ClusterConnection;
  /** Otherwise the text of a kubeconfig; without it that of the environment, or the service account of our own pod. */
  readonly kubeconfig?: string | undefined;
  /** When a watch is given up that says nothing. */
  readonly watching?: KnownPodsOptions | undefined;
  /** When a log is given up that says nothing, or cannot be read. */
  readonly reading?: PodLogOptions | undefined;
}

/**
 * Runs actions as pods of a cluster.
 * @throws ClusterConfigError
 */
export async function openKubernetes(options: KubernetesOptions): Promise<KubernetesLauncher> {
  const { site, pool, clock, metrics, rate, kubeconfig } = options;
  const connection = options.connection ?? (await ClusterConnection.open(clock, kubeconfig));
  const requests = metrics.counter({
    name: 'ryax_kubernetes_requests_total',
    help: 'Requests to the API server, by verb and by what was to be done about the answer',
    labelNames: ['verb', 'verdict'],
  });
  const where = { namespace: site.namespace, labelSelector: podsOfPool(site.name, pool.name) };
  const api = new PodApi(connection, options.budget ?? new RequestBudget(rate, clock), where, requests);
  return new KubernetesLauncher({ ...options, api, closeConnection: () => connection.close() });
}
