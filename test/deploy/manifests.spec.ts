import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as clientModels from '@kubernetes/client-node';
import { parseAllDocuments, parse } from 'yaml';

const folder = join(__dirname, '../../deploy/kubernetes');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
}

const manifests = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
      const manifest = document.toJS() as Manifest;
      return { name: `${file}: ${manifest.kind} ${manifest.metadata.name}`, manifest };
    }),
  );

function missingFields(checked: readonly object[]): unknown {
  const script = join(__dirname, 'required-fields.mjs');
  const { stdout, stderr, status } = spawnSync(process.execPath, [script], {
    input: JSON.stringify(checked),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Expected the check of required fields to run, found: ${stderr}`);
  return JSON.parse(stdout);
}

function attributesOf(type: string): readonly Attribute[] | undefined {
  const model: unknown = Reflect.get(clientModels, type);
  if (typeof model !== 'function' || !('getAttributeTypeMap' in model)) return undefined;
  return (model as unknown as { getAttributeTypeMap(): readonly Attribute[] }).getAttributeTypeMap();
}

/** Fields that the API does not know, and values of a wrong type, each with its path. */
function faultsOf(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: expected a list of ${list}`];
    return value.flatMap((item, index) => faultsOf(item, list, `${path}[${index}]`));
  }
  const map = /^{ \[key: string\]: (.+); }$/.exec(type)?.[1];
  if (map !== undefined) {
    return Object.entries(value as object).flatMap(([key, item]) => faultsOf(item, map, `${path}.${key}`));
  }
  if (['string', 'number', 'boolean'].includes(type)) {
    return typeof value === type ? [] : [`${path}: expected a ${type}, found ${JSON.stringify(value)}`];
  }
  const attributes = attributesOf(type);
  if (attributes === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: expected a ${type}`];
  return Object.entries(value).flatMap(([key, item]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute === undefined
      ? [`${path}.${key}: unknown to ${type}`]
      : faultsOf(item, attribute.type, `${path}.${key}`);
  });
}

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
    const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
    expect([...resources].sort()).toEqual(files.sort());
  });
});
