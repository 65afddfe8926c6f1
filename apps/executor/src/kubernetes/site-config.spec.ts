import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault } from '@ryax/contracts';
import { capacityOf, parseSite, readSiteFile, SiteConfigError } from './site-config';
import { exampleFile, exampleText, leastSite, poolOf, siteWith } from './testing/sites';

const pool = leastSite.nodePools[0];
const gibibyte = 2 ** 30;

function faultsOf(act: () => unknown): readonly Fault[] {
  try {
    act();
  } catch (error) {
    if (error instanceof SiteConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("a site's configuration", () => {
  it('needs a name, a namespace and a pool; everything else has a default', () => {
    expect(siteWith()).toEqual({
      name: 'cluster-1',
      type: 'kubernetes',
      namespace: 'runs',
      nodePools: [
        {
          name: 'default',
          cpu: 4,
          memoryBytes: 8 * gibibyte,
          gpu: 0,
          gpuResource: 'nvidia.com/gpu',
          nodes: 1,
          slots: 10,
          timeLimitMs: null,
          selector: {},
          tolerations: [],
          scores: { time: 50, cost: 50, energy: 50 },
        },
      ],
      defaults: { requests: {}, limits: {} },
      handlers: 'warm',
      prewarm: true,
      imagePullSecrets: [],
      labels: {},
      annotations: {},
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        fsGroup: 10001,
        readOnlyRootFilesystem: false,
        addCapabilities: [],
        seccompProfile: { type: 'RuntimeDefault' },
      },
      gracePeriodMs: 30_000,
      retentionMs: 600_000,
      patienceMs: {
        image: 300_000,
        refusedImage: 45_000,
        configuration: 120_000,
        starting: 600_000,
        unschedulable: 600_000,
        unreachable: 300_000,
      },
      podTemplate: {},
    });
  });

  it('is read from the file that the manifests bring along', () => {
    expect(readSiteFile(exampleFile)).toEqual(parseSite(exampleText, 'text'));
    expect(readSiteFile(exampleFile).nodePools.map(({ name }) => name)).toEqual(['default', 'small-arm', 'gpu']);
  });

  it('may be written as JSON', () => {
    expect(parseSite(JSON.stringify(leastSite, null, 2), 'site.json')).toEqual(siteWith());
  });

  it('has what its nodes have together', () => {
    const nodePools = [{ ...pool, cpu: '1500m', memory: '2Gi', gpu: 1, nodes: 3 }];
    const site = siteWith({ nodePools });
    expect(capacityOf(poolOf(site))).toEqual({ slots: 10, cpu: 4.5, memory_bytes: 6 * gibibyte, gpu: 3 });
  });

  it.each([
    ['500m', 0.5],
    [0.1, 0.1],
    ['2', 2],
  ])('takes %s as %d cores', (cpu, expected) => {
    expect(poolOf(siteWith({ nodePools: [{ ...pool, cpu }] })).cpu).toBe(expected);
  });

  it.each([
    ['4096', 4096],
    ['1.5G', 1.5 * gibibyte],
    ['512MiB', 512 * 2 ** 20],
  ])('takes %s as %d bytes', (memory, expected) => {
    expect(poolOf(siteWith({ nodePools: [{ ...pool, memory }] })).memoryBytes).toBe(expected);
  });

  it.each([
    [90, 90_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
  ])('takes %s as a time of %d ms', (gracePeriod, expected) => {
    expect(siteWith({ gracePeriod }).gracePeriodMs).toBe(expected);
  });
});

describe("a fault in a site's configuration is named by its field:", () => {
  const withPool = (fields: object) => ({ nodePools: [{ ...pool, ...fields }] });
  const withSpec = (spec: object) => ({ podTemplate: { spec } });
  const withContainer = (fields: object) => withSpec({ containers: [{ name: 'main', ...fields }] });

  it.each<[object, string, string]>([
    [{ name: undefined }, 'name', 'is required'],
    [{ name: 'Cluster 1' }, 'name', 'expected up to 63 of a-z, 0-9 and inner dashes'],
    [{ type: 'slurm' }, 'type', 'expected "kubernetes"'],
    [{ prewarm: 'no' }, 'prewarm', 'expected true or false'],
    [{ nodePools: [] }, 'nodePools', 'expected at least one'],
    [{ nodePools: 'all' }, 'nodePools', 'expected a list'],
    [{ nodePools: [pool, pool] }, 'nodePools[1].name', '"default" is there twice'],
    [{ nodepools: [] }, 'nodepools', 'unknown field'],
    [withPool({ ram: '8G' }), 'nodePools[0].ram', 'unknown field'],
    [withPool({ cpu: 'four' }), 'nodePools[0].cpu', 'expected cores such as 0.5 or 500m'],
    [withPool({ cpu: 0 }), 'nodePools[0].cpu', 'expected more than 0'],
    [withPool({ memory: '8 apples' }), 'nodePools[0].memory', 'expected a size such as 512M or 16G'],
    [withPool({ memory: -1 }), 'nodePools[0].memory', 'expected a size such as 512M or 16G'],
    [withPool({ timeLimit: 'soon' }), 'nodePools[0].timeLimit', 'expected a duration such as 30s or 5m'],
    [withPool({ slots: undefined }), 'nodePools[0].slots', 'is required'],
    [withPool({ slots: '10' }), 'nodePools[0].slots', 'expected a number'],
    [
      withPool({ architecture: 'x86' }),
      'nodePools[0].architecture',
      'expected one of amd64, arm64, arm, ppc64le, riscv64, s390x',
    ],
    [
      withPool({ selector: { 'kubernetes.io/arch': 'arm64' } }),
      'nodePools[0].selector',
      'kubernetes.io/arch has a field of its own: architecture',
    ],
    [withPool({ selector: { 'a b': 'c' } }), 'nodePools[0].selector.a b', 'is no valid name of a label'],
    [withPool({ scores: { time: 101 } }), 'nodePools[0].scores.time', 'expected number to be <=100'],
    [withPool({ scores: { speed: 1 } }), 'nodePools[0].scores.speed', 'unknown field'],
    [
      { defaults: { requests: { memory: '2G' }, limits: { memory: '1G' } } },
      'defaults.limits.memory',
      'expected at least what is requested',
    ],
    [
      { labels: { 'ryax.tech/run': 'x' } },
      'labels.ryax.tech/run',
      'is set by the executor, as are all names that begin with ryax.tech/',
    ],
    [
      { annotations: { 'app.kubernetes.io/managed-by': 'x' } },
      'annotations.app.kubernetes.io/managed-by',
      'is set by the executor, as are all names that begin with ryax.tech/',
    ],
    [
      { labels: { team: '-' } },
      'labels.team',
      'expected up to 63 letters, digits and inner dashes, dots or underscores',
    ],
    [
      { securityContext: { runAsUser: 0 } },
      'securityContext.runAsUser',
      'expected another user than 0 while runAsNonRoot is true',
    ],
    [{ securityContext: { privileged: true } }, 'securityContext.privileged', 'unknown field'],
    [
      { securityContext: { seccompProfile: { type: 'Localhost' } } },
      'securityContext.seccompProfile',
      'expected localhostProfile where type is Localhost, and only there',
    ],
    [{ patience: { images: '1m' } }, 'patience.images', 'unknown field'],
    [{ gracePeriod: 0 }, 'gracePeriod', 'expected more than 0'],
    [
      withSpec({ restartPolicy: 'Always' }),
      'podTemplate.spec.restartPolicy',
      'is always Never: what is tried again is decided by the runner',
    ],
    [withSpec({ tolerations: [] }), 'podTemplate.spec.tolerations', 'has a field of its own: nodePools[].tolerations'],
    [
      withSpec({ automountServiceAccountToken: true }),
      'podTemplate.spec.automountServiceAccountToken',
      'is always false: an action has no say in the cluster',
    ],
    [withSpec({ hostPID: true }), 'podTemplate.spec.hostPID', 'unknown field'],
    [
      withContainer({ image: 'x' }),
      'podTemplate.spec.containers[0].image',
      'is set by the executor for each execution',
    ],
    [withContainer({ resources: {} }), 'podTemplate.spec.containers[0].resources', 'has a field of its own: defaults'],
    [
      withContainer({ name: 'proxy' }),
      'podTemplate.spec.containers[0].name',
      'expected "main": a container beside it would keep the pod from ending',
    ],
    [
      withContainer({ env: [{ name: 'RYAX_RUN_ID', value: 'x' }] }),
      'podTemplate.spec.containers[0].env[0].name',
      "names that begin with RYAX_ are the executor's",
    ],
    [
      withSpec({ volumes: [{ name: 'ryax-inputs' }] }),
      'podTemplate.spec.volumes[0].name',
      "names that begin with ryax- are the executor's",
    ],
    [withSpec({ affinity: 'near' }), 'podTemplate.spec.affinity', 'expected an object'],
    [
      { podTemplate: { metadata: { name: 'x' } } },
      'podTemplate.metadata.name',
      'is set by the executor for each execution',
    ],
  ])('%j', (fields, path, reason) => {
    expect(faultsOf(() => siteWith(fields))).toEqual([{ path, reason }]);
  });

  it('all of them at once', () => {
    const faults = faultsOf(() => parseSite('type: kubernetes\nnamespaces: x\nretention: never\n', 'site.yaml'));
    expect(faults.map(({ path }) => path).sort()).toEqual([
      'name',
      'namespace',
      'namespaces',
      'nodePools',
      'retention',
    ]);
  });

  it('a file that is no YAML, or not there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ryax-site-'));
    try {
      const path = join(folder, 'site.yaml');
      expect(() => readSiteFile(path)).toThrow(/site\.yaml is not valid:\n.*ENOENT/);
      writeFileSync(path, 'name: [a\n');
      expect(() => readSiteFile(path)).toThrow(SiteConfigError);
      writeFileSync(path, `${exampleText}\nname: cluster-2\n`);
      expect(() => readSiteFile(path)).toThrow('duplicated mapping key');
      writeFileSync(path, '');
      expect(() => readSiteFile(path)).toThrow('found nothing');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
