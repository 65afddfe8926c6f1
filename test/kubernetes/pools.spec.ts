import { waitFor } from '@ryax/testing';
import { TestSite } from './site';
import { itWithTestServer, patienceMs, specMs } from './target';

const amounts = { cpu: 1, memory: '1G', nodes: 10, slots: 100 };
const nodePools = [
  { ...amounts, name: 'cpu', selector: { 'example.com/pool': 'cpu' } },
  { ...amounts, name: 'gpu', gpu: 1, architecture: 'arm64', selector: { 'example.com/pool': 'gpu' } },
];
const nodes = [
  { name: 'node1', labels: { 'example.com/pool': 'cpu', 'kubernetes.io/arch': 'amd64' } },
  {
    name: 'node2',
    labels: { 'example.com/pool': 'gpu', 'kubernetes.io/arch': 'arm64' },
    capacity: { 'nvidia.com/gpu': 1 },
  },
];

describe('two pools of one site', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open({ site: { nodePools, retention: '1h' }, server: { nodes } });
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  itWithTestServer('have their pods on their own nodes, by which pool they are of', async () => {
    for (const name of ['cpu', 'gpu']) {
      const executor = await site.executor(undefined, name);
      expect(await executor.outcomeOf(site.launch('true'))).toMatchObject({ status: 'succeeded' });
    }
    const found = (await site.pods()).map(({ metadata, spec }) => ({
      pool: metadata?.labels?.['ryax.tech/pool'],
      selector: spec?.nodeSelector,
      node: spec?.nodeName,
    }));
    expect(found.sort((one, other) => ((one.pool ?? '') < (other.pool ?? '') ? -1 : 1))).toEqual([
      { pool: 'cpu', selector: { 'example.com/pool': 'cpu' }, node: 'node1' },
      { pool: 'gpu', selector: { 'example.com/pool': 'gpu', 'kubernetes.io/arch': 'arm64' }, node: 'node2' },
    ]);
  });

  itWithTestServer(
    'leave the pods of one that is gone to its successor, and do not say that they are not there',
    async () => {
      const gone = await site.executor(undefined, 'gpu');
      const other = await site.executor(undefined, 'cpu');
      const gate = site.gate();
      const launch = site.launch(`echo begun; ${gate.wait}; echo over`);
      const { log } = gone.launch(launch);
      await log.has('begun');
      await gone.close();

      other.launcher.alive([other.incarnation]);
      expect(await other.exists(launch)).toBe(true);
      const successor = await site.executor(undefined, 'gpu');
      successor.launcher.alive([successor.incarnation]);
      await waitFor(() => successor.adopted.length === 1, { timeoutMs: patienceMs });
      other.launcher.alive([other.incarnation]);
      await gate.open();

      expect(await successor.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded' });
      expect(other.adopted).toEqual([]);
    },
  );

  itWithTestServer('run what fits, and reject what only the other can run', async () => {
    const [cpu, gpu] = [await site.executor(undefined, 'cpu'), await site.executor(undefined, 'gpu')];
    const launch = site.launch('true', { resources: { gpu: 1 } });
    const rejected = { kind: 'rejected', message: expect.stringContaining('/cpu is asked for gpu 1 where it has 0') };
    expect(await cpu.outcomeOf(launch)).toMatchObject({ status: 'failed', failure: rejected });
    expect(await gpu.outcomeOf(launch)).toMatchObject({ status: 'succeeded' });
  });
});
