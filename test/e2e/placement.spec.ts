import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@ryax/platform';
import { startKubernetes, useServices, useTestDatabase, waitFor, type KubernetesServer } from '@ryax/testing';
import type { HistoryEvent } from './engine';

const pool = { memory: '4G', nodes: 2, slots: 4 };
const site = {
  name: 'cluster-1',
  type: 'kubernetes',
  namespace: 'runs',
  retention: '1h',
  nodePools: [
    { ...pool, name: 'cheap', cpu: 2, selector: { pool: 'cheap' }, scores: { time: 10, cost: 90 } },
    { ...pool, name: 'fast', cpu: 8, selector: { pool: 'fast' }, scores: { time: 90, cost: 10 } },
  ],
};
const nodes = ['cheap', 'fast'].map((name) => ({ name, labels: { pool: name } }));

interface CausedEvent extends HistoryEvent {
  readonly cause: unknown;
}

interface RunAnswer {
  readonly state: string;
  readonly executions: readonly {
    readonly execution: string;
    readonly site: string | null;
    readonly pool: string | null;
    readonly waiting_for: string | null;
  }[];
}

describe('actions at a site with two pools, served by one process', () => {
  const services = useServices();
  const database = useTestDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'ryax-placement-'));
  let cluster: KubernetesServer;
  let url = '';

  beforeAll(async () => {
    cluster = await startKubernetes({ namespaces: ['runs'], nodes, secondMs: 100 });
    const files = { KUBECONFIG: join(directory, 'kubeconfig'), RYAX_SITE_CONFIG: join(directory, 'site.yaml') };
    writeFileSync(files.KUBECONFIG, cluster.kubeconfig('runs'));
    writeFileSync(files.RYAX_SITE_CONFIG, JSON.stringify(site));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const engine = {
      RYAX_DATA_DIR: join(directory, 'data'),
      RYAX_DATASTORE: database.url,
      RYAX_HTTP_PORT: String(port),
    };
    await services.start({
      name: 'standalone',
      env: { ...engine, ...files, RYAX_PLACEMENT_PATIENCE_MS: '15000' },
      readyUrl: `${url}/readyz`,
    });
  }, 180_000);
  afterAll(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 60_000);

  async function json<T>(path: string, body?: object): Promise<T> {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, body === undefined ? {} : post);
    if (!response.ok)
      throw new Error(`Expected ${path} to succeed, found ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  async function execute(id: string, ...actions: readonly object[]): Promise<string> {
    const container = { image: 'busybox:1.36', command: ['/bin/sh', '-c', 'true'] };
    const spec = { id, actions: actions.map((action) => ({ container, ...action })) };
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec };
    return (await json<{ run_id: string }>('/v1/executions', { definition, inputs: {} })).run_id;
  }

  const runOf = async (runId: string) => (await json<{ run: RunAnswer }>(`/v1/runs/${runId}`)).run;
  const ended = (runId: string) =>
    waitFor(
      async () => {
        const run = await runOf(runId);
        return ['succeeded', 'failed'].includes(run.state) ? run : undefined;
      },
      { timeoutMs: 60_000 },
    );
  const eventsOf = async (runId: string, type: string) =>
    (await json<{ events: CausedEvent[] }>(`/v1/runs/${runId}/history?limit=1000`)).events.filter(
      (event) => event.type === type,
    );

  it('run on the nodes of the pool that they ask for, or that does best; the history says why', async () => {
    const runId = await execute(
      'placed',
      { id: 'named', constraints: { pool: 'cheap' } },
      { id: 'large', resources: { cpu: 6 }, objectives: { cost: 1 } },
      // Once both executors have said what they have free.
      { id: 'hurried', objectives: { time: 1 }, after: ['named', 'large'] },
    );
    const { state, executions } = await ended(runId);
    expect(state).toBe('succeeded');
    expect(executions).toMatchObject([
      { execution: 'named', site: 'cluster-1', pool: 'cheap', waiting_for: null },
      { execution: 'large', pool: 'fast' },
      { execution: 'hurried', pool: 'fast' },
    ]);

    const scheduled = await eventsOf(runId, 'ExecutionScheduled');
    const reasons = Object.fromEntries(scheduled.map(({ data, cause }) => [data['execution'], cause]));
    expect(reasons).toMatchObject({
      named: { type: 'runner.hand-out', reasons: ['cluster-1/cheap alone fits'] },
      hurried: { reasons: ['cluster-1/fast scores 90 (time 90 × 1)', 'the next, cluster-1/cheap, scores 10'] },
      large: { reasons: ['cluster-1/fast alone fits'] },
    });
    const answer = await fetch(`${cluster.url}/api/v1/namespaces/runs/pods`, {
      headers: { authorization: `Bearer ${cluster.token}` },
    });
    const { items } = (await answer.json()) as {
      items: { metadata: { labels: Record<string, string> }; spec: { nodeName: string } }[];
    };
    const found = items.map(({ metadata: { labels }, spec }) => [
      labels['ryax.tech/execution'],
      labels['ryax.tech/pool'],
      spec.nodeName,
    ]);
    expect(found.sort()).toEqual([
      ['hurried', 'fast', 'fast'],
      ['large', 'fast', 'fast'],
      ['named', 'cheap', 'cheap'],
    ]);
  }, 120_000);

  it('say what they wait for while no pool can run them, and fail in the end with what each pool lacks', async () => {
    const runId = await execute('nowhere', { id: 'arm', constraints: { architecture: 'arm64' } });
    const lacks = 'cluster-1/cheap is asked for the architecture arm64 where it has any';
    await waitFor(async () => (await runOf(runId)).executions[0]?.waiting_for?.includes(lacks) === true);

    expect(await ended(runId)).toMatchObject({ state: 'failed', executions: [{ pool: null, waiting_for: null }] });
    const [failed] = await eventsOf(runId, 'ExecutionFailed');
    expect(failed?.data).toMatchObject({
      attempt: null,
      failure: { kind: 'rejected', message: expect.stringContaining(lacks) },
    });
  }, 120_000);
});
