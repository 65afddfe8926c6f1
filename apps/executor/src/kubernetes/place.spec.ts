import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '@ryax/platform';
import { executorConfigSchema } from '../executor.config';
import { readPlace } from './place';
import { SiteConfigError } from './site-config';

const pool = { name: 'default', cpu: 4, memory: '8G', nodes: 3, slots: 10 };
const site = { name: 'cluster-1', type: 'kubernetes', namespace: 'runs', nodePools: [pool] };

describe('where an executor runs its pods', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ryax-place-'));
  const file = join(folder, 'site.yaml');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function places(description: object = site, env: Readonly<Record<string, string>> = {}) {
    writeFileSync(file, JSON.stringify(description));
    return readPlace(file, loadConfig(executorConfigSchema, { RYAX_BROKER: 'memory://', ...env }));
  }

  function place(description?: object, env?: Readonly<Record<string, string>>) {
    const [first] = places(description, env).pools;
    if (first === undefined) throw new Error('Expected a pool');
    return first;
  }

  it('is as its file says: the names, what all nodes have together, and what one execution can have of it', () => {
    const { settings } = place({ ...site, defaults: { requests: { cpu: 0.5 } } });
    expect(settings).toMatchObject({
      site: 'cluster-1',
      pool: 'default',
      capacity: { slots: 10, cpu: 12, memory_bytes: 24 * 2 ** 30, gpu: 0 },
      largest: { slots: 10, cpu: 4, memory_bytes: 8 * 2 ** 30, gpu: 0 },
    });
    expect(settings.amountsOf({})).toMatchObject({ slots: 1, cpu: 0.5 });
  });

  it.each([
    ['all of them', {}, ['gpu', 'default']],
    ['the one that is asked for', { RYAX_POOL: 'gpu' }, ['gpu']],
  ])('takes of its pools %s', (_which, env, expected) => {
    const { pools } = places({ ...site, nodePools: [{ ...pool, name: 'gpu' }, pool] }, env);
    expect(pools.map((each) => each.pool.name)).toEqual(expected);
    expect(pools.map(({ settings }) => settings.pool)).toEqual(expected);
  });

  it('offers them by their name, and says what they are like', () => {
    const like = { architecture: 'arm64', gpu: 2, timeLimit: '1h', scores: { time: 90, cost: 10 } };
    const { settings } = place({ ...site, nodePools: [{ ...pool, name: 'gpu', ...like }] });
    expect(settings.pool).toBe('gpu');
    expect(settings.poolKind).toEqual({
      architecture: 'arm64',
      scores: { time: 90, cost: 10, energy: 50 },
      time_limit_ms: 3_600_000,
      node: { cpu: 4, memory_bytes: 8 * 2 ** 30, gpu: 2 },
    });
    expect(place().settings.poolKind).toMatchObject({ architecture: null, time_limit_ms: null });
  });

  it.each([
    ['3', 3],
    ['50', 10],
  ])('with RYAX_MAX_CONCURRENT_TASKS=%s has %d slots: it may lower them', (most, slots) => {
    expect(place(site, { RYAX_MAX_CONCURRENT_TASKS: most }).settings.capacity.slots).toBe(slots);
  });

  it('accepts a RYAX_SITE that says the same, and no other', () => {
    expect(place(site, { RYAX_SITE: 'cluster-1' }).settings.site).toBe('cluster-1');
    expect(() => place(site, { RYAX_SITE: 'local' })).toThrow(
      'RYAX_SITE: expected nothing, or "cluster-1" as in the file of RYAX_SITE_CONFIG, found "local"',
    );
  });

  it.each([
    ['RYAX_POOL', 'tpu', 'expected one of the pools in the file of RYAX_SITE_CONFIG (default), found "tpu"'],
    ['RYAX_POOL_CPU', '3', 'expected nothing beside RYAX_SITE_CONFIG'],
    ['RYAX_POOL_MEMORY', '3G', 'expected nothing beside RYAX_SITE_CONFIG'],
    ['RYAX_POOL_GPU', '3', 'expected nothing beside RYAX_SITE_CONFIG'],
  ])('refuses %s=%s', (variable, value, message) => {
    const wrong = () => place(site, { [variable]: value });
    expect(wrong).toThrow(ConfigError);
    expect(wrong).toThrow(`${variable}: ${message}`);
  });

  it('names the file, and each field of it that is wrong', () => {
    expect(() => place({ ...site, nodePools: [] })).toThrow(SiteConfigError);
    expect(() => place({ ...site, nodePools: [] })).toThrow(/site\.yaml is not valid:\n {2}nodePools: /);
  });

  describe('is shared by all executors of the site', () => {
    const shares = (executors: number, description: object = site) =>
      Array.from({ length: executors }, (_, index) => place(description).settings.share?.(index, executors));

    it('wholly, while there is one', () => {
      expect(shares(1)).toEqual([place().settings.capacity]);
    });

    it('by whole nodes, of which the first have one more', () => {
      expect(shares(2)).toMatchObject([
        { slots: 5, cpu: 8, memory_bytes: 16 * 2 ** 30 },
        { slots: 5, cpu: 4, memory_bytes: 8 * 2 ** 30 },
      ]);
      expect(shares(3).map((share) => share?.slots)).toEqual([4, 3, 3]);
    });

    it('by none of those for whom no node is left', () => {
      expect(shares(5).map((share) => [share?.slots, share?.cpu])).toEqual([
        ...[4, 3, 3].map((slots) => [slots, 4]),
        ...[0, 0].map(() => [0, 0]),
      ]);
    });

    it('by none without a slot, so that no node is idle for the lack of one', () => {
      const few = { ...site, nodePools: [{ ...pool, slots: 2 }] };
      expect(shares(3, few).map((share) => [share?.slots, share?.cpu])).toEqual([
        [1, 8],
        [1, 4],
        [0, 0],
      ]);
    });
  });
});
