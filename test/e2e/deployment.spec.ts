import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKubernetes, useTestBroker, useTestDatabase, waitFor, type KubernetesServer } from '@ryax/testing';
import { Engine } from './engine';
import { patienceMs, specMs } from '../kubernetes/target';
import { describeHandlers, repository, TestAction } from '../kubernetes/test-action';

/** Services, broker, database and handlers as they are; the cluster is the test API server, which runs the image from its folder. */
describeHandlers('a workflow that is deployed at a site with warm pods', () => {
  const virtualHost = useTestBroker();
  const database = useTestDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'ryax-deployment-'));
  const env = { KUBECONFIG: join(directory, 'kubeconfig'), RYAX_SITE_CONFIG: join(directory, 'site.yaml') };
  const engine = new Engine({ brokerUrl: () => virtualHost.url, datastoreUrl: () => database.url, env });
  let action: TestAction;
  let cluster: KubernetesServer;

  beforeAll(async () => {
    action = await TestAction.publish();
    cluster = await startKubernetes({ namespaces: ['runs'], secondMs: 100, images: action.images });
    const nodePools = [{ name: 'default', cpu: 4, memory: '4G', nodes: 2, slots: 20 }];
    const site = { name: 'cluster-1', type: 'kubernetes', namespace: 'runs', actionImages: repository, nodePools };
    writeFileSync(env.KUBECONFIG, cluster.kubeconfig('runs'));
    writeFileSync(env.RYAX_SITE_CONFIG, JSON.stringify(site));
    await engine.startAll();
  }, specMs);
  afterAll(async () => {
    await engine.stopAll();
    await cluster.stop();
    await action.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, specMs);

  /** A figure of the executor; 0 where it has none of that name. */
  async function figure(name: string): Promise<number> {
    const line = (await engine.metricsOf('executor')).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  it(
    'has ready pods without any run, and its first run needs no other',
    async () => {
      // The executor is known, with room: it has none before it has heard with how many it shares its pool.
      const container = { image: 'busybox:1.36', command: ['/bin/sh', '-c', 'true'] };
      const probe = await engine.execute(definitionOf({ id: 'probe', actions: [{ id: 'a', container }] }));
      expect(await engine.waitForEnd(probe)).toBe('succeeded');
      cluster.resetRequestCounts();

      const headers = { authorization: engine.authorization, 'content-type': 'application/gzip' };
      const uploaded = await fetch(`${engine.url}/v1/actions?publish=true`, {
        ...{ method: 'POST', headers, body: action.archive },
      });
      expect(await uploaded.json()).toMatchObject({ content_hash: action.hash, published: true });
      const handler = { action: 'answer@1.0' };
      const actions = [
        { ...handler, id: 'one', inputs: { what: 'one', name: 'a' } },
        { ...handler, id: 'two', inputs: { what: '=one.answer', name: 'b' }, resources: { memory: '64M' } },
        { ...handler, id: 'three', inputs: { what: '=two.answer', name: 'c' } },
      ];
      const definition = definitionOf({ id: 'warm', actions, results: { answer: '=three.answer' } });
      await engine.json('POST', '/v1/workflows', definition);

      const isReady = async () => (await figure('ryax_executor_warm_pods{state="idle"}')) === 2;
      await waitFor(isReady, {
        timeoutMs: patienceMs,
        describe: () => engine.process('executor').output.slice(-2_000),
      });
      expect(cluster.requestCounts['create pods']).toBe(2);
      expect(await engine.json('GET', '/v1/runs')).toMatchObject({ items: [{ run_id: probe }] });

      const { run_id } = await engine.json<{ run_id: string }>('POST', '/v1/workflows/warm/runs', {});
      expect(await engine.waitForEnd(run_id)).toBe('succeeded');
      expect(await engine.results(run_id)).toEqual({ answer: 'ONE' });
      expect(cluster.requestCounts['create pods']).toBe(2);
      const invoked = 'ryax_executor_admitted_to_invoked_seconds_count';
      expect([await figure(`${invoked}{start="warm"}`), await figure(`${invoked}{start="cold"}`)]).toEqual([3, 0]);

      // Once more, and nothing is made for it.
      await engine.json('POST', '/v1/workflows', definition);
      await engine.killAndRestart('runner');
      const again = await engine.json<{ run_id: string }>('POST', '/v1/workflows/warm/runs', {});
      expect(await engine.waitForEnd(again.run_id)).toBe('succeeded');
      expect(cluster.requestCounts['create pods']).toBe(2);
    },
    2 * specMs,
  );
});

function definitionOf(spec: object): object {
  return { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec };
}
