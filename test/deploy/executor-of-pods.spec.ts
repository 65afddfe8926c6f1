import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { Clock, loadConfig, Metrics } from '@ryax/platform';
import { dump, load, loadAll } from 'js-yaml';
import { executorConfigSchema } from '../../apps/executor/src/executor.config';
import type { ApiRequest, ClusterConnection } from '../../apps/executor/src/kubernetes/cluster/connection';
import { PodApi } from '../../apps/executor/src/kubernetes/cluster/pod-api';
import { RequestBudget } from '../../apps/executor/src/kubernetes/cluster/request-budget';
import { readPlace } from '../../apps/executor/src/kubernetes/place';
import { faultsOf, missingFields } from './kubernetes-models';

const folder = join(__dirname, '../../deploy/kubernetes-pods');
const text = (file: string) => readFileSync(join(folder, file), 'utf8');
const documents = (file: string) => loadAll(text(file)) as Manifest[];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
  readonly roleRef?: object;
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

const [namespace] = documents('namespace.yaml');
const rights = documents('rights.yaml');
const ofKind = (kind: string) => rights.find((each) => each.kind === kind);
const patch = documents('executor.yaml')[0] as unknown as {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly containers: readonly [
          {
            readonly name: string;
            readonly env: readonly [{ readonly name: string; readonly value: string }];
            readonly volumeMounts: readonly [{ readonly mountPath: string; readonly name: string }];
          },
        ];
        readonly volumes: readonly [{ readonly name: string; readonly configMap: { readonly name: string } }];
      };
    };
  };
};
const kustomization = load(text('kustomization.yaml')) as {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly [{ readonly name: string; readonly files: readonly [string] }];
};

/** What the API asks of whom who sends this. */
function rightFor({ method, path, query }: ApiRequest): string {
  const [resource, name, subresource] = path.replace(/^\/api\/v1\/namespaces\/runs\//, '').split('/');
  const read = query?.['watch'] === 'true' ? 'watch' : name === undefined ? 'list' : 'get';
  const verb = { GET: read, POST: 'create', PATCH: 'patch', DELETE: 'delete' }[method];
  return `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`;
}

/** The rights for all that an executor asks of the API server. */
async function rightsAsked(): Promise<string[]> {
  const asked = new Set<string>();
  const note = (request: ApiRequest) => {
    asked.add(rightFor(request));
    return Promise.resolve({ type: 'answer', status: 200, headers: {}, body: '{}' });
  };
  const connection = { send: note, stream: note } as unknown as ClusterConnection;
  const counter = new Metrics().counter({ name: 'requests', help: 'Requests', labelNames: ['verb', 'verdict'] });
  const budget = new RequestBudget({ perSecond: 100, burst: 100 }, new Clock());
  const api = new PodApi(connection, budget, { namespace: 'runs', labelSelector: '' }, counter);
  const { signal } = new AbortController();
  const pod: V1Pod = { metadata: { name: 'p', uid: 'u' } };
  const log = { container: 'main', since: undefined, follow: true };
  const requests: { readonly [Method in Exclude<keyof PodApi, symbol>]: () => Promise<unknown> } = {
    create: () => api.create(pod, signal),
    createSecret: () => api.createSecret({}, signal),
    read: () => api.read('p', signal),
    label: () => api.label(pod, {}, signal),
    remove: () => api.remove('p', 'u', undefined, signal),
    list: () => api.list(signal),
    events: () => api.events('u', signal),
    watch: () => api.watch('1', 1_000, signal),
    log: () => api.log('p', log, 1_000, signal),
  };
  for (const request of Object.values(requests)) await request();
  return [...asked].sort();
}

describe('the manifests of executors that run pods', () => {
  it('have only fields that the API knows, of the right types, and all that it requires', () => {
    const types = { Namespace: 'V1Namespace', Role: 'V1Role', RoleBinding: 'V1RoleBinding' } as const;
    for (const manifest of [...rights, ...documents('namespace.yaml')]) {
      const type = { ...types, ServiceAccount: 'V1ServiceAccount' }[manifest.kind] ?? '';
      expect(faultsOf(manifest, type, '')).toEqual([]);
    }
    expect(faultsOf(patch, 'V1Deployment', '')).toEqual([]);
    expect(missingFields([...rights, ...documents('namespace.yaml')])).toEqual([]);
  });

  it('give the rights that an executor needs, and no others, where its pods are', async () => {
    const role = ofKind('Role');
    const given = role?.rules?.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    expect(given?.sort()).toEqual(await rightsAsked());
    expect(rights.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
    expect(role?.metadata.namespace).toBe(namespace?.metadata.name);
  });

  it('give them to the account that the executor has', () => {
    const account = patch.spec.template.spec.serviceAccountName;
    expect(ofKind('ServiceAccount')?.metadata.name).toBe(account);
    const binding = ofKind('RoleBinding');
    expect(binding?.metadata.namespace).toBe(namespace?.metadata.name);
    expect(binding).toMatchObject({
      roleRef: { kind: 'Role', name: ofKind('Role')?.metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: account }],
    });
  });

  it('show the executor the file of its site', () => {
    const { containers, volumes } = patch.spec.template.spec;
    const [{ env, volumeMounts }] = containers;
    const [generated] = kustomization.configMapGenerator;
    expect(volumes[0]).toEqual({ name: volumeMounts[0].name, configMap: { name: generated.name } });
    expect(env[0]).toEqual({
      name: 'RYAX_SITE_CONFIG',
      value: join(volumeMounts[0].mountPath, generated.files[0]),
    });
  });

  it('describe a site that is valid, in the namespace that the rights are of', () => {
    const config = loadConfig(executorConfigSchema, { RYAX_BROKER: 'memory://' });
    const { site, pools } = readPlace(join(folder, 'site.yaml'), config);
    expect(site.namespace).toBe(namespace?.metadata.name);
    expect(pools.every(({ settings }) => settings.capacity.slots > 0)).toBe(true);
  });

  it('change the executor of the other manifests, and are all listed', () => {
    const [changed] = loadAll(readFileSync(join(folder, '../kubernetes/executor.yaml'), 'utf8')) as (typeof patch)[];
    if (changed === undefined) throw new Error('no executor');
    expect(patch.metadata.name).toBe(changed.metadata.name);
    expect(patch.spec.template.spec.containers[0].name).toBe(changed.spec.template.spec.containers[0].name);
    expect(kustomization.resources).toEqual(['../kubernetes', 'namespace.yaml', 'rights.yaml']);
  });
});

const hasKubectl = spawnSync('kubectl', ['kustomize', '--help']).status === 0;
const describeRendered = hasKubectl ? describe : describe.skip;
describeRendered('what kustomize makes of them (skipped where kubectl is missing)', () => {
  const where = mkdtempSync(join(tmpdir(), 'ryax-kustomize-'));
  afterAll(() => rmSync(where, { recursive: true, force: true }));

  function rendered(of: string) {
    const text = execFileSync('kubectl', ['kustomize', of], { encoding: 'utf8' });
    const all = loadAll(text) as Manifest[];
    const namespaceOf = (kind: string) =>
      all.find((each) => each.kind === kind && each.metadata.name === 'ryax-executor')?.metadata.namespace;
    const [binding] = all.filter(({ kind }) => kind === 'RoleBinding');
    return {
      services: namespaceOf('Deployment'),
      account: namespaceOf('ServiceAccount'),
      rights: [namespaceOf('Role'), binding?.metadata.namespace],
      givenTo: binding?.subjects?.map((subject) => subject.namespace),
      pods: all.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name),
    };
  }

  it('leaves the services to the namespace default', () => {
    expect(rendered(folder)).toEqual({
      services: undefined,
      account: undefined,
      rights: ['ryax-executions', 'ryax-executions'],
      givenTo: ['default'],
      pods: ['ryax-executions'],
    });
  });

  it('has the services in a namespace of their own, and the rights given to the account there', () => {
    expect(rendered(join(folder, '../kubernetes-pods-in-namespace'))).toEqual({
      services: 'ryax',
      account: 'ryax',
      rights: ['ryax-executions', 'ryax-executions'],
      givenTo: ['ryax'],
      pods: ['ryax-executions'],
    });
  });

  it('has all in one namespace where a kustomization says so, whoever has the rights included', () => {
    const over = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
    const resources = [relative(realpathSync(where), folder)];
    writeFileSync(join(where, 'kustomization.yaml'), dump({ ...over, namespace: 'team', resources }));
    expect(rendered(where)).toEqual({
      services: 'team',
      account: 'team',
      rights: ['team', 'team'],
      givenTo: ['team'],
      pods: ['team'],
    });
  });
});
