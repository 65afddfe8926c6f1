import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { streamId, type JsonObject } from '@ryax/contracts';
import { LocalFileStore, openSecrets, type Secrets } from '@ryax/filestore';
import { Clock, Health, IdSource, Log, Metrics } from '@ryax/platform';
import { startKubernetes, waitFor, type KubernetesServer, type KubernetesServerOptions } from '@ryax/testing';
import { openKubernetes, type KubernetesOptions, type SiteConfig } from '../../apps/executor/src/kubernetes';
import { ClusterConnection, type ApiRequest } from '../../apps/executor/src/kubernetes/cluster/connection';
import { podName } from '../../apps/executor/src/kubernetes/pod-name';
import { parseSite } from '../../apps/executor/src/kubernetes/site-config';
import type { Launch } from '../../apps/executor/src/launcher';
import { PipeGate, PodGate, type Gate } from './gate';
import { checkCluster } from './preflight';
import { siteDefaults } from './site-defaults';
import { image, isReal, patienceMs, secondMs } from './target';
import { TestExecutor } from './test-executor';

export interface SiteOptions {
  readonly site?: object;
  readonly server?: KubernetesServerOptions;
  /** Of its executors. */
  readonly executor?: Partial<
    Pick<KubernetesOptions, 'watching' | 'reading' | 'idleMs' | 'clock' | 'metrics' | 'log' | 'files'>
  >;
}

interface Place {
  readonly testServer: KubernetesServer | undefined;
  /** Undefined for that of the environment: its files may be several, with paths relative to them. */
  readonly kubeconfig: string | undefined;
  readonly connection: ClusterConnection;
  readonly directory: string;
  readonly files: LocalFileStore;
  readonly secrets: Secrets;
}

let runs = 0;
let clusterChecked: Promise<void> | undefined;
const openSites = new Set<TestSite>();

/** A site on a cluster, real or not, with executors of it that come and go. */
export class TestSite {
  private readonly executors: TestExecutor[] = [];
  private readonly gates: Gate[] = [];
  private readonly ids = new IdSource();

  private constructor(
    readonly config: SiteConfig,
    private readonly place: Place,
    private readonly options: NonNullable<SiteOptions['executor']>,
  ) {}

  static async open({ site = {}, server, executor = {} }: SiteOptions = {}): Promise<TestSite> {
    const config = parseSite(JSON.stringify({ ...siteDefaults(), ...site }), 'the test');
    const testServer = isReal ? undefined : await startKubernetes({ namespaces: ['runs'], secondMs, ...server });
    const kubeconfig = testServer?.kubeconfig('runs');
    const connection = await ClusterConnection.open(new Clock(), kubeconfig);
    if (isReal) await usable(connection, config.namespace);
    const directory = await mkdtemp(join(tmpdir(), 'ryax-kubernetes-'));
    const files = await LocalFileStore.open(directory);
    const secrets = await openSecrets(files, { directory });
    const place = { testServer, kubeconfig, connection, directory, files, secrets };
    const opened = new TestSite(config, place, executor);
    openSites.add(opened);
    return opened;
  }

  /** All that are open, for hooks: also where none could be opened, so that only the reason of that is told. */
  static async closeAll(): Promise<void> {
    await Promise.all([...openSites].map((site) => site.close()));
  }

  /** For hooks, too. */
  static async expectNoPods(): Promise<void> {
    await Promise.all([...openSites].map((site) => site.expectNoPod()));
  }

  /** The test API server; only within {@link itWithTestServer}. */
  get server(): KubernetesServer {
    const { testServer } = this.place;
    if (testServer === undefined) throw new Error('There is no test server: use itWithTestServer');
    return testServer;
  }

  get files(): LocalFileStore {
    return this.place.files;
  }

  get isOnTestServer(): boolean {
    return this.place.testServer !== undefined;
  }

  /** An executor of a pool of the site, the first one unless named, as far as its pods go. */
  async executor(
    mayBegin = () => true,
    name = this.config.nodePools[0]?.name,
    more: SiteOptions['executor'] = {},
  ): Promise<TestExecutor> {
    const { kubeconfig, files, secrets } = this.place;
    const pool = this.config.nodePools.find((each) => each.name === name);
    if (pool === undefined) throw new Error('Expected a pool');
    const health = new Health();
    const launcher = await openKubernetes({
      ...{ site: this.config, pool, kubeconfig, files, secrets, metrics: new Metrics(), health },
      idleMs: 300_000,
      clock: new Clock(),
      log: new Log({ service: 'test', level: 'error' }),
      ...this.options,
      ...more,
      inlineValueBytes: 64 * 1024,
      directory: join(this.place.directory, this.ids.newId()),
      rate: isReal ? { perSecond: 50, burst: 100 } : { perSecond: 500, burst: 500 },
    });
    const executor = new TestExecutor(this.ids.newId(), launcher, health, mayBegin);
    this.executors.push(executor);
    await launcher.open(executor);
    return executor;
  }

  /** An attempt of a shell script; a new run for each unless it says which. */
  launch(script: string, { action, ...fields }: LaunchFields = {}): Launch {
    return {
      project: 'default',
      runId: `${this.config.name}-run-${++runs}`,
      workflowId: 'quakes',
      execution: 'fit',
      attempt: 1,
      inputs: {},
      resources: {},
      timeoutMs: null,
      origin: { replyPartition: 3, since: 1_000 },
      ...fields,
      action:
        action?.type === 'handler'
          ? action
          : { type: 'container', image, command: ['/bin/sh', '-c', script], env: {}, outputs: [], ...action },
    };
  }

  /** The reference of a secret. */
  async secret(text: string): Promise<JsonObject> {
    const place = { streamId: streamId('run', 'default', 'any'), path: `inputs.${++runs}` };
    return { ...(await this.place.secrets.put(place, text)) };
  }

  /** What scripts can be held up by. */
  gate(): Gate {
    const gate = isReal
      ? new PodGate(() => this.pods())
      : new PipeGate(join(this.place.directory, `gate-${this.gates.length}`));
    this.gates.push(gate);
    return gate;
  }

  /** An empty one of this machine, gone with the site. */
  folder(): Promise<string> {
    return mkdtemp(join(this.place.directory, 'folder-'));
  }

  podName(launch: Launch): string {
    return podName(launch);
  }

  async ask(request: ApiRequest): Promise<{ readonly status: number; readonly body: string }> {
    const answer = await this.place.connection.send(request, { timeoutMs: 30_000 });
    if (answer.type === 'none') throw new Error(answer.reason);
    return answer;
  }

  /** The pods of this site, as the cluster has them now. */
  async pods(): Promise<readonly V1Pod[]> {
    const query = { labelSelector: `ryax.tech/site=${this.config.name}` };
    const { status, body } = await this.ask({ method: 'GET', path: this.podsPath, query });
    if (status !== 200) throw new Error(`Expected a list of pods, found ${status}: ${body}`);
    return (JSON.parse(body) as { readonly items: V1Pod[] }).items;
  }

  async noPodIsLeft(): Promise<void> {
    const isEmpty = async () => (await this.pods()).length === 0;
    await waitFor(isEmpty, { timeoutMs: patienceMs, intervalMs: askEveryMs, describe: 'no pod to be left' });
  }

  /** For after a spec: nothing goes wrong any more, and what it has left is removed, so that it alone fails and not those after it. */
  async expectNoPod(): Promise<void> {
    this.place.testServer?.misbehaviour.calm();
    try {
      await this.noPodIsLeft();
    } catch (error) {
      await this.removePods();
      throw error;
    }
  }

  /** Waits until the cluster itself says that the container of this attempt is in that state. */
  async containerIs(state: 'waiting' | 'running' | 'terminated', launch: Launch): Promise<void> {
    const path = `${this.podsPath}/${podName(launch)}`;
    const isSo = async () => {
      const { status } = JSON.parse((await this.ask({ method: 'GET', path })).body) as V1Pod;
      // Whatever else somebody has put into it.
      return status?.containerStatuses?.find(({ name }) => name === 'main')?.state?.[state] !== undefined;
    };
    await waitFor(isSo, { timeoutMs: patienceMs, intervalMs: askEveryMs, describe: `the container to be ${state}` });
  }

  /** As a kubelet would. */
  async setStatus(launch: Launch, body: object): Promise<void> {
    const path = `${this.podsPath}/${podName(launch)}/status`;
    const { status } = await this.ask({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    if (status !== 200) throw new Error(`Expected the status to be taken, found ${status}`);
  }

  /** As somebody else would. */
  async deletePod(name: string, graceSeconds = 0): Promise<void> {
    const body = { gracePeriodSeconds: graceSeconds };
    await this.ask({ method: 'DELETE', path: `${this.podsPath}/${name}`, body });
  }

  async close(): Promise<void> {
    openSites.delete(this);
    try {
      await Promise.all(this.executors.map((executor) => executor.close()));
    } finally {
      await this.leave();
    }
  }

  private async leave(): Promise<void> {
    const { connection, testServer, directory } = this.place;
    try {
      if (isReal) await this.removePods();
    } finally {
      connection.close();
      await testServer?.stop();
      await Promise.all(this.gates.map((gate) => gate.close()));
      // What was killed may be writing its last.
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
  }

  /** Whatever has failed, a cluster of somebody's is left as it was. */
  private async removePods(): Promise<void> {
    const query = { labelSelector: `ryax.tech/site=${this.config.name}` };
    await this.ask({ method: 'DELETE', path: this.podsPath, query, body: { gracePeriodSeconds: 0 } });
    for (const pod of await this.pods()) await this.deletePod(pod.metadata?.name ?? '');
    await this.noPodIsLeft();
  }

  private get podsPath(): string {
    return `/api/v1/namespaces/${this.config.namespace}/pods`;
  }
}

/** Once: what it refuses to one spec it refuses to all. */
async function usable(connection: ClusterConnection, namespace: string): Promise<void> {
  const warn = (text: string) => process.stderr.write(`${text}\n`);
  try {
    await (clusterChecked ??= checkCluster(connection, namespace, warn));
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Of a machine whose date is wrong, or of one that comes so much later. */
export function clockAhead(ms: number): Clock {
  return new (class extends Clock {
    override wallMs(): number {
      return super.wallMs() + ms;
    }
  })();
}

/** One that a test moves ahead, by which things take longer than they do. */
export class AheadClock extends Clock {
  aheadMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.aheadMs;
  }
}

/** Of a disk that fails. */
export function ioError(): Error {
  return Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
}

/** What others use as well is not asked more often. */
export const askEveryMs = isReal ? 500 : 20;

type LaunchFields = Partial<Omit<Launch, 'action'>> & {
  readonly action?:
    Partial<Extract<Launch['action'], { type: 'container' }>> | Extract<Launch['action'], { type: 'handler' }>;
};
