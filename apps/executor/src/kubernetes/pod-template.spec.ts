import { podFor } from './pod-spec';
import { containerLaunch } from './testing/launches';
import { containerOf, specOf, variablesOf } from './testing/parts-of-pods';
import { poolOf, siteWith } from './testing/sites';

describe("a site's template", () => {
  const site = siteWith({
    labels: { team: 'site', 'cost-centre': '7' },
    nodePools: [{ name: 'default', cpu: 4, memory: '8G', slots: 10, architecture: 'arm64', selector: { disk: 'ssd' } }],
    podTemplate: {
      metadata: { labels: { team: 'template', zone: 'a' } },
      spec: {
        enableServiceLinks: true,
        schedulerName: 'batch',
        nodeSelector: { disk: 'hdd', zone: 'a' },
        volumes: [{ name: 'data', emptyDir: {} }],
        initContainers: [{ name: 'sidecar', image: 'proxy', restartPolicy: 'Always' }],
        containers: [
          {
            name: 'main',
            env: [
              { name: 'MODE', value: 'site' },
              { name: 'PROXY', value: 'http://$(HOST)' },
            ],
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
            workingDir: '/data',
          },
        ],
      },
    },
  });
  const pod = podFor(containerLaunch({ action: { env: { MODE: 'workflow' } } }), poolOf(site), site);

  it('adds what has no field of its own, and wins over our defaults', () => {
    expect(specOf(pod)).toMatchObject({
      enableServiceLinks: true,
      schedulerName: 'batch',
      initContainers: [{ name: 'sidecar', image: 'proxy', restartPolicy: 'Always' }],
    });
    expect(containerOf(pod).workingDir).toBe('/data');
  });

  it('stands behind the site, its pool and the workflow where they say the same', () => {
    expect(pod.metadata?.labels).toMatchObject({ team: 'site', 'cost-centre': '7', zone: 'a' });
    expect(specOf(pod).nodeSelector).toEqual({ disk: 'ssd', zone: 'a', 'kubernetes.io/arch': 'arm64' });
    expect(variablesOf(pod)).toMatchObject({ MODE: 'workflow' });
    expect(containerOf(pod).env?.filter(({ name }) => name === 'MODE')).toHaveLength(1);
  });

  it('is not escaped: its variables may refer to others', () => {
    expect(variablesOf(pod).PROXY).toBe('http://$(HOST)');
  });

  it('has its volumes beside ours', () => {
    expect(specOf(pod).volumes?.map(({ name }) => name)).toEqual(['data', 'ryax-inputs']);
    expect(containerOf(pod).volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(['/data', '/run/ryax']);
  });

  it('comes first where files are brought: ours may need its sidecars', () => {
    const server = { image: 'files', token: 't' };
    const withFiles = podFor(containerLaunch(), poolOf(site), site, { by: 'files', values: {}, passwords: [] }, server);
    expect(specOf(withFiles).initContainers?.map(({ name }) => name)).toEqual(['sidecar', 'ryax-inputs']);
    expect(containerOf(withFiles).workingDir).toBe('/data');
  });

  it('may have a /tmp of its own where files are brought', () => {
    const own = siteWith({
      podTemplate: {
        spec: {
          volumes: [{ name: 'big', emptyDir: {} }],
          containers: [{ name: 'main', volumeMounts: [{ name: 'big', mountPath: '/tmp' }] }],
        },
      },
    });
    const carried = { by: 'files', values: {}, passwords: [] } as const;
    const withFiles = podFor(containerLaunch(), poolOf(own), own, carried, { image: 'files', token: 't' });
    expect(containerOf(withFiles).volumeMounts?.map(({ name, mountPath }) => `${name} ${mountPath}`)).toEqual([
      'big /tmp',
      'ryax-files /run/ryax',
      'ryax-work /ryax/work',
    ]);
  });

  it('may have a /tmp of its own where the image is read-only', () => {
    const container = { name: 'main', volumeMounts: [{ name: 'big', mountPath: '/tmp' }] };
    const own = siteWith({
      securityContext: { readOnlyRootFilesystem: true },
      podTemplate: { spec: { volumes: [{ name: 'big', emptyDir: {} }], containers: [container] } },
    });
    expect(specOf(podFor(containerLaunch(), poolOf(own), own)).volumes?.map(({ name }) => name)).toEqual([
      'big',
      'ryax-inputs',
    ]);
  });
});
