import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { attributesOf, faultsOf, missingFields } from './kubernetes-models';

const folder = join(__dirname, '../../deploy/kubernetes');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

const manifests = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .flatMap((file) =>
    (loadAll(readFileSync(join(folder, file), 'utf8')) as Manifest[]).map((manifest) => ({
      name: `${file}: ${manifest.kind} ${manifest.metadata.name}`,
      manifest,
    })),
  );

function modelOf({ apiVersion, kind }: Manifest): string {
  const version = apiVersion.split('/').at(-1) ?? '';
  return `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
}

describe('the Kubernetes manifests', () => {
  it.each(manifests)('$name has only fields that the API knows, of the right types', ({ manifest }) => {
    expect(attributesOf(modelOf(manifest))).toBeDefined();
    expect(faultsOf(manifest, modelOf(manifest), '')).toEqual([]);
  });

  it('have every field that the API requires', () => {
    expect(missingFields(manifests.map(({ manifest }) => manifest))).toEqual([]);
  });

  it('would be found out without one, so that passing means something', () => {
    const lacking = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { selector: {} } };
    expect(missingFields([lacking])).toEqual([expect.stringContaining('template')]);
  });

  it('finds unknown fields and wrong types, so that passing means something', () => {
    const wrong = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: { replicas: '3', replica: 3 },
    };
    expect(faultsOf(wrong, 'V1Deployment', '')).toEqual([
      '.spec.replicas: expected a number, found "3"',
      '.spec.replica: unknown to V1DeploymentSpec',
    ]);
  });

  it('runs three runners with the requests and limits that are promised', () => {
    const runner = manifests.find(
      ({ manifest }) => manifest.kind === 'Deployment' && manifest.metadata.name === 'ryax-runner',
    );
    expect(runner?.manifest.spec).toMatchObject({
      replicas: 3,
      template: {
        spec: {
          containers: [
            { resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { cpu: '500m', memory: '1Gi' } } },
          ],
        },
      },
    });
  });

  it('has the image of all services named in one place, and pulls it only where it is missing', () => {
    const { images } = load(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as {
      images: { name: string; newName: string; newTag: string }[];
    };
    expect(images).toEqual([{ name: 'ryax-runner', newName: 'ryax-runner', newTag: 'latest' }]);
    const deployments = manifests.filter(({ manifest }) => manifest.kind === 'Deployment');
    expect(deployments).toHaveLength(4);
    for (const { manifest } of deployments) {
      const containers = [{ image: 'ryax-runner', imagePullPolicy: 'IfNotPresent' }];
      expect(manifest.spec).toMatchObject({ template: { spec: { containers } } });
    }
  });

  it('takes every secret by reference and the namespace from the downward API', () => {
    for (const { manifest } of manifests.filter((each) => each.manifest.kind === 'Deployment')) {
      const spec = manifest.spec as {
        template: { spec: { containers: { env: { name: string; value?: string; valueFrom?: object }[] }[] } };
      };
      for (const { env } of spec.template.spec.containers) {
        const inline = env.filter(({ value }) => value !== undefined).map(({ name }) => name);
        expect(inline).toEqual(['RYAX_DATA_DIR']);
        expect(env.find(({ name }) => name === 'RYAX_NAMESPACE')?.valueFrom).toEqual({
          fieldRef: { fieldPath: 'metadata.namespace' },
        });
      }
    }
  });

  it('lists every manifest in the kustomization', () => {
    const { resources } = load(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
    expect([...resources].sort()).toEqual(files.sort());
  });
});
