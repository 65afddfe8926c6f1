import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileStore, Secrets } from '@ryax/filestore';
import { Clock, Health, loadConfig, Log, Metrics, WrongConfiguration } from '@ryax/platform';
import { chooseDriver, openPools, type Driver, type DriverParts } from './driver';
import { executorConfigSchema } from './executor.config';
import { FakeLauncher } from './testing/fake-launcher';

const cluster = { name: 'c', cluster: { server: 'https://127.0.0.1:6443' } };
const kubeconfig = {
  'current-context': 'c',
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
  clusters: [cluster],
  users: [{ name: 'c', user: { token: 'secret' } }],
};

describe('the driver of an executor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ryax-driver-'));
  const kubeconfigFile = join(folder, 'kubeconfig');
  const siteFile = join(folder, 'site.yaml');
  const before = process.env['KUBECONFIG'];
  beforeAll(() => {
    const nodePools = [
      { name: 'cpu', cpu: 2, memory: '1G', slots: 7 },
      { name: 'gpu', cpu: 4, memory: '1G', gpu: 1, slots: 1 },
    ];
    writeFileSync(siteFile, JSON.stringify({ name: 'cluster-1', type: 'kubernetes', namespace: 'runs', nodePools }));
    process.env['KUBECONFIG'] = kubeconfigFile;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    rmSync(folder, { recursive: true, force: true });
  });

  const choose = (env: Readonly<Record<string, string>>): Promise<Driver> =>
    chooseDriver(loadConfig(executorConfigSchema, { RYAX_BROKER: 'memory://', ...env }), new Clock());

  it('runs processes of its machine unless a site is described', async () => {
    const { pools } = await choose({ RYAX_MAX_CONCURRENT_TASKS: '3' });
    expect(pools.map(({ settings }) => [settings.capacity?.slots, settings.share])).toEqual([[3, undefined]]);
  });

  it('runs pods of the site that is described, and behaves otherwise as its variables say', async () => {
    writeFileSync(kubeconfigFile, JSON.stringify(kubeconfig));
    const { pools } = await choose({ RYAX_SITE_CONFIG: siteFile, RYAX_LIMIT_LOG_BYTES_PER_ATTEMPT: '1000' });
    const common = { site: 'cluster-1', logBytesPerAttempt: 1_000 };
    expect(pools.map(({ settings }) => settings)).toMatchObject([
      { ...common, pool: 'cpu', capacity: { slots: 7, cpu: 2, gpu: 0 } },
      { ...common, pool: 'gpu', capacity: { slots: 1, cpu: 4, gpu: 1 } },
    ]);
  });

  it.each([
    ['is not there', undefined, /cannot be read: ENOENT/],
    ['names no cluster', { ...kubeconfig, clusters: [] }, /names no cluster/],
  ])('says that the configuration is wrong when the kubeconfig %s', async (_what, content, message) => {
    rmSync(kubeconfigFile, { force: true });
    if (content !== undefined) writeFileSync(kubeconfigFile, JSON.stringify(content));
    const chosen = choose({ RYAX_SITE_CONFIG: siteFile });
    await expect(chosen).rejects.toThrow(message);
    await expect(chosen).rejects.toBeInstanceOf(WrongConfiguration);
  });

  it('gives each of several pools figures, lines in the log, checks and a folder of its own', async () => {
    const [lines, health, metrics]: [string[], Health, Metrics] = [[], new Health(), new Metrics()];
    const opened: DriverParts[] = [];
    const pools = ['cpu', 'gpu'].map((pool) => ({
      settings: { pool },
      open: (parts: DriverParts) => {
        opened.push(parts);
        return Promise.resolve(new FakeLauncher());
      },
    }));
    const log = new Log({ service: 'test', write: (line) => lines.push(line) });
    const [files, secrets] = [{} as FileStore, {} as Secrets];
    const served = await openPools({ pools }, { files, secrets, directory: 'executor', log, metrics, health });
    served.forEach((pool, index) => {
      expect(pool).toMatchObject({ log: opened[index]?.log, health: opened[index]?.health });
      pool.health?.register('lease', () => Promise.reject(new Error('none yet')));
      pool.log?.info('begun');
    });
    expect(opened.map(({ directory }) => directory)).toEqual([join('executor', 'cpu'), join('executor', 'gpu')]);
    expect((await health.unreadyParts()).map(({ name }) => name).sort()).toEqual([
      'lease of pool cpu',
      'lease of pool gpu',
    ]);
    expect(lines.map((line) => (JSON.parse(line) as { readonly pool?: string }).pool)).toEqual(['cpu', 'gpu']);
  });

  it('loads the client library only where pods are run', () => {
    const sources = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.includes('testing'),
    );
    const eager = sources.filter((file) =>
      /^import (?!type)[^;]*from '@kubernetes\/client-node'/m.test(readFileSync(join(__dirname, file), 'utf8')),
    );
    expect(sources).toContain(join('kubernetes', 'cluster', 'connection.ts'));
    expect(eager).toEqual([]);
  });
});
