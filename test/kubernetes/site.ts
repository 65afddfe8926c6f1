import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { streamId, type JsonObject } from '@ryax/contracts';
import { LocalFileStore, openSecrets, type Secrets } from '@ryax/filestore';
import { Clock, IdSource, Log, Metrics } from '@ryax/platform';
import { startKubernetes, waitFor, type KubernetesServer, type KubernetesServerOptions } from '@ryax/testing';
import { openKubernetes, type KubernetesLauncher, type SiteConfig } from '../../apps/executor/src/kubernetes';
import { ClusterConnection, type ApiRequest } from '../../apps/executor/src/kubernetes/cluster/connection';
import { parseSite } from '../../apps/executor/src/kubernetes/site-config';
import type { Adoption, AttemptEnd, Launch, LogSink, RunningAttempt } from '../../apps/executor/src/launcher';

const kubeconfigFile = process.env['KUBECONFIG'];
/** Whether the tests run against a cluster that somebody has given us. */
export const isReal = kubeconfigFile !== undefined && kubeconfigFile !== '';
/** Has at least `/bin/sh`. */
export const image = process.env['RYAX_TEST_IMAGE'] ?? 'busybox:1.36';
/** A second of graces and back-offs in the test server; a cluster takes its time. */
export const secondMs = isReal ? 1_000 : 100;
/** How long something may take that a cluster does. */
export const patienceMs = isReal ? 180_000 : 20_000;

/** For what a cluster cannot be told to do: skipped there, by its name and why. */
export function itWithTestServer(name: string, test: () => Promise<void>, timeoutMs = 3 * patienceMs): void {
  if (isReal) it.skip(`${name} (a real cluster cannot be told to)`, test);
  else it(name, test, timeoutMs);
}

export interface SiteOptions {
  readonly site?: object;
  readonly server?: KubernetesServerOptions;
}

/** A site on a cluster, real or not, with executors of it that come and go. */
export class TestSite {
  private readonly launchers: KubernetesLauncher[] = [];
  private readonly ids = new IdSource();
  private runs = 0;

  private constructor(
    readonly config: SiteConfig,
    private readonly testServer: KubernetesServer | undefined,
    private readonly kubeconfig: string,
    private readonly connection: ClusterConnection,
    private readonly directory: string,
    readonly files: LocalFileStore,
    private readonly secrets: Secrets,
  ) {}

  static async open({ site = {}, server }: SiteOptions = {}): Promise<TestSite> {
    const testServer = isReal ? undefined : await startKubernetes({ namespaces: ['runs'], secondMs, ...server });
    const kubeconfig = testServer?.kubeconfig('runs') ?? (await readFile(kubeconfigFile ?? '', 'utf8'));
    const namespace = testServer === undefined ? (process.env['RYAX_TEST_NAMESPACE'] ?? 'default') : 'runs';
    const name = `test-${new IdSource()
      .newId()
      .replaceAll(/[^a-z0-9]/g, '')
      .slice(0, 12)}`;
    const pools = [{ name: 'default', cpu: 1, memory: '1G', nodes: 100, slots: 1_000 }];
    const config = parseSite(
      JSON.stringify({
        name,
        type: 'kubernetes',
        namespace,
        nodePools: pools,
        gracePeriod: '2s',
        retention: '0s',
        ...site,
      }),
      'the test',
    );
    const connection = await ClusterConnection.open(new Clock(), kubeconfig);
    const directory = await mkdtemp(join(tmpdir(), 'ryax-kubernetes-'));
    const files = await LocalFileStore.open(directory);
    const secrets = await openSecrets(files, { directory });
    return new TestSite(config, testServer, kubeconfig, connection, directory, files, secrets);
  }

  /** The test API server; only within {@link itWithTestServer}. */
  get server(): KubernetesServer {
    if (this.testServer === undefined) throw new Error('There is no test server: use itWithTestServer');
    return this.testServer;
  }

  /** An executor of the site, as far as its pods go. */
  async executor(options: ExecutorOptions = {}): Promise<TestExecutor> {
    const { config, kubeconfig, files, secrets } = this;
    const [pool] = config.nodePools;
    if (pool === undefined) throw new Error('Expected a pool');
    const metrics = new Metrics();
    const launcher = await openKubernetes({
      ...{ site: config, pool, kubeconfig, files, secrets, metrics },
      clock: new Clock(),
      log: new Log({ service: 'test', level: options.level ?? 'error' }),
      inlineValueBytes: 64 * 1024,
      directory: join(this.directory, this.ids.newId()),
      rate: { perSecond: 200, burst: 400 },
    });
    this.launchers.push(launcher);
    const executor = new TestExecutor(this.ids.newId(), launcher, options.mayBegin ?? (() => true));
    await launcher.open(executor);
    return executor;
  }

  /** An attempt of a shell script; a new run for each unless it says which. */
  launch(script: string, { action, ...fields }: LaunchFields = {}): Launch {
    return {
      project: 'default',
      runId: `${this.config.name}-run-${++this.runs}`,
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
    const place = { streamId: streamId('run', 'default', 'any'), path: `inputs.${++this.runs}` };
    return { ...(await this.secrets.put(place, text)) };
  }

  async ask(request: ApiRequest): Promise<string> {
    const answer = await this.connection.send(request, { timeoutMs: 30_000 });
    if (answer.type === 'none') throw new Error(answer.reason);
    return answer.body;
  }

  /** The pods of this site, as the cluster has them now. */
  async pods(): Promise<readonly V1Pod[]> {
    const query = { labelSelector: `ryax.tech/site=${this.config.name}` };
    const text = await this.ask({ method: 'GET', path: this.podsPath, query });
    return (JSON.parse(text) as { readonly items: V1Pod[] }).items;
  }

  async noPodIsLeft(): Promise<void> {
    await waitFor(async () => (await this.pods()).length === 0, {
      timeoutMs: patienceMs,
      describe: 'no pod to be left',
    });
  }

  /** As somebody else would. */
  async deletePod(name: string, graceSeconds = 0): Promise<void> {
    const body = { gracePeriodSeconds: graceSeconds };
    await this.ask({ method: 'DELETE', path: `${this.podsPath}/${name}`, body });
  }

  async close(): Promise<void> {
    await Promise.all(this.launchers.map((launcher) => launcher.close()));
    for (const pod of isReal ? await this.pods() : []) await this.deletePod(pod.metadata?.name ?? '');
    this.connection.close();
    await this.testServer?.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  private get podsPath(): string {
    return `/api/v1/namespaces/${this.config.namespace}/pods`;
  }
}

interface ExecutorOptions {
  readonly mayBegin?: () => boolean;
  readonly level?: 'error' | 'debug';
}

type LaunchFields = Partial<Omit<Launch, 'action'>> & {
  readonly action?:
    Partial<Extract<Launch['action'], { type: 'container' }>> | Extract<Launch['action'], { type: 'handler' }>;
};

/** What an executor does with its launcher: launches, adopts, forgets. */
export class TestExecutor {
  readonly adopted: Watched[] = [];

  constructor(
    readonly incarnation: string,
    readonly launcher: KubernetesLauncher,
    readonly mayBegin: () => boolean,
  ) {}

  launch(launch: Launch): Watched {
    const log = new RecordedOutput();
    return new Watched(this.launcher.launch(launch, log), log, launch.runId);
  }

  adopt(adoption: Adoption): void {
    const log = new RecordedOutput();
    this.adopted.push(new Watched(adoption.begin(log), log, adoption.of.run_id, adoption));
  }

  /** Runs it to its end, and forgets it as if its outcome had been recorded. */
  async run(launch: Launch): Promise<{ readonly end: AttemptEnd; readonly log: RecordedOutput }> {
    const { running, log } = this.launch(launch);
    const end = await running.ended;
    if (end === 'left') throw new Error('Expected an end, found that it is not ours any more');
    this.forget(launch);
    return { end, log };
  }

  forget({ project, runId, execution, attempt }: Launch): void {
    this.launcher.forget({ project, run_id: runId, execution, attempt });
  }
}

/** One attempt that an executor has. */
export class Watched {
  constructor(
    readonly running: RunningAttempt,
    readonly log: RecordedOutput,
    readonly runId: string,
    readonly adoption?: Adoption,
  ) {}

  async outcome(): Promise<AttemptEnd['outcome']> {
    const end = await this.running.ended;
    if (end === 'left') throw new Error('Expected an end, found that it is not ours any more');
    return end.outcome;
  }
}

/** The output of an attempt. */
export class RecordedOutput implements LogSink {
  text = '';

  write(bytes: Buffer): boolean {
    this.text += bytes.toString('utf8');
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  /** Without what the executor itself has noted. */
  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '' && !line.startsWith('[ryax]'));
  }

  async has(text: string): Promise<void> {
    await waitFor(() => this.text.includes(text), { timeoutMs: patienceMs, describe: `the output to have ${text}` });
  }
}
