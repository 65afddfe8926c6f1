import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import { AttemptFailure } from '../process/attempt-failure';
import { identityOf } from './labels';
import { amountsOfPod } from './pod-resources';
import { podFor, type ContainerLaunch } from './pod-spec';
import { containerLaunch } from './testing/launches';
import { containerOf, specOf, variablesOf } from './testing/parts-of-pods';
import { exampleSite, poolOf, siteWith } from './testing/sites';

const plain = siteWith();
const podOn = (launch: ContainerLaunch, site = plain, pool = 'default') => podFor(launch, poolOf(site, pool), site);

const locked = siteWith({
  securityContext: {
    runAsUser: null,
    runAsGroup: null,
    fsGroup: 2000,
    supplementalGroups: [3000],
    readOnlyRootFilesystem: true,
    addCapabilities: ['NET_BIND_SERVICE'],
    seccompProfile: { type: 'Localhost', localhostProfile: 'ryax.json' },
  },
  serviceAccount: 'executions',
  owner: { apiVersion: 'v1', kind: 'ConfigMap', name: 'ryax', uid: '6f1c' },
});

const golden: Readonly<Record<string, V1Pod>> = {
  'least.json': podOn(containerLaunch()),
  'inputs-and-environment.json': podOn(
    containerLaunch({
      execution: 'fit.7',
      attempt: 2,
      inputs: { region: 'Crete', count: 3, exact: true, tags: ['a', 'b'], nothing: null },
      action: { command: ['sh', '-c', 'echo $region $(date) > $RYAX_OUTPUTS'], env: { MODE: 'fast' } },
    }),
  ),
  'resources-and-time.json': podOn(
    containerLaunch({ resources: { cpu: 0.5, memory_bytes: 256 * 2 ** 20, gpu: 0.5 }, timeoutMs: 120_000 }),
    exampleSite,
    'gpu',
  ),
  'example-site.json': podOn(containerLaunch({ project: 'Équipe 7' }), exampleSite, 'small-arm'),
  'locked-down.json': podOn(containerLaunch(), locked),
  'files.json': podFor(
    containerLaunch({ action: { command: ['sh', '-c', 'wc -l < "$rows"'] } }),
    poolOf(exampleSite),
    exampleSite,
    {
      by: 'files',
      values: { rows: '/run/ryax/1/rows.csv' },
      passwords: ['password'],
      given: { rows: { $file: `sha256:${'a'.repeat(64)}`, name: 'rows.csv', size: 1, kind: 'file' } },
    },
    { image: 'registry.example.com/ryax/files:1', token: 'of this pod alone' },
  ),
  'password.json': podFor(containerLaunch(), poolOf(plain), plain, {
    by: 'secret',
    values: { user: 'Ada' },
    passwords: ['password'],
    given: { user: 'Ada', password: { $secret: 'a'.repeat(64) } },
  }),
};

describe('the pod of an execution', () => {
  it.each(Object.entries(golden))('is as %s has it', (file, pod) => {
    const path = join(__dirname, 'testing/golden', file);
    // To change them on purpose: RYAX_UPDATE_GOLDEN=1 npx jest pod-spec
    if (process.env.RYAX_UPDATE_GOLDEN !== undefined) writeFileSync(path, `${JSON.stringify(pod, null, 2)}\n`);
    expect(JSON.parse(JSON.stringify(pod))).toEqual(JSON.parse(readFileSync(path, 'utf8')));
  });

  it('says which attempt it is, whatever the ids are made of', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.string(),
        fc.integer({ min: 1 }),
        (project, runId, execution, attempt) => {
          const pod = podOn(containerLaunch({ project, runId, execution, attempt }));
          expect(identityOf(pod)).toEqual({ project, runId, execution, attempt });
          for (const value of Object.values(pod.metadata?.labels ?? {})) {
            expect(value).toMatch(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
          }
        },
      ),
    );
  });

  it('is no attempt of ours when something else manages it', () => {
    const { annotations = {}, labels = {} } = podOn(containerLaunch()).metadata ?? {};
    const others = { ...labels, 'app.kubernetes.io/managed-by': 'Helm' };
    expect(identityOf({ metadata: { labels: others, annotations } })).toBeUndefined();
    expect(identityOf({ metadata: { labels } })).toBeUndefined();
    expect(identityOf({ metadata: { labels, annotations } })).toBeDefined();
  });

  it('gives a command its text as the workflow has it: Kubernetes replaces nothing in it', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', 'region', 'é', ' ') });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), text, (command, region) => {
        const pod = podOn(containerLaunch({ inputs: { region }, action: { command, env: { A: region } } }));
        expect(containerOf(pod).command?.map(expandedByKubernetes)).toEqual(command);
        expect(expandedByKubernetes(variablesOf(pod).region ?? '')).toBe(region);
        expect(expandedByKubernetes(variablesOf(pod).A ?? '')).toBe(region);
      }),
    );
  });

  it('has inputs as variables: text as it is, everything else as JSON, nothing as none', () => {
    const inputs = { text: 'a b', number: 1.5, list: [1, 'x'], nothing: null };
    expect(variablesOf(podOn(containerLaunch({ inputs })))).toEqual({
      text: 'a b',
      number: '1.5',
      list: '[1,"x"]',
      RYAX_RUN_ID: '4f7c1e9a2b',
      RYAX_EXECUTION: 'alarm',
      RYAX_ATTEMPT: '1',
      RYAX_INPUTS: '/run/ryax/inputs.json',
      RYAX_OUTPUTS: '/dev/termination-log',
    });
  });

  it('has all inputs in a file, also those that no variable can hold', () => {
    const inputs = { long: 'x'.repeat(150_000), '2nd': 'a name that begins with a digit', zero: '\0', nothing: null };
    const pod = podOn(containerLaunch({ inputs }));
    expect(Object.keys(variablesOf(pod)).filter((name) => name in inputs)).toEqual([]);
    expect(JSON.parse(pod.metadata?.annotations?.['ryax.tech/inputs'] ?? '')).toEqual(inputs);
    expect(specOf(pod).volumes).toContainEqual({
      name: 'ryax-inputs',
      downwardAPI: {
        items: [{ path: 'inputs.json', fieldRef: { fieldPath: "metadata.annotations['ryax.tech/inputs']" } }],
      },
    });
  });

  it('lets the workflow set a variable over an input, and nobody over who the attempt is', () => {
    const launch = containerLaunch({
      inputs: { MODE: 'slow', RYAX_ATTEMPT: '9' },
      action: { env: { MODE: 'fast', RYAX_RUN_ID: 'x' } },
    });
    expect(variablesOf(podOn(launch))).toMatchObject({ MODE: 'fast', RYAX_ATTEMPT: '1', RYAX_RUN_ID: '4f7c1e9a2b' });
  });

  const hash = `sha256:${'a'.repeat(64)}`;
  it.each([
    ['a file', { $file: hash, name: 'x.csv', size: 1, kind: 'file' }],
    ['a directory', [{ deep: { $file: hash, name: 'x', size: 1, kind: 'directory' } }]],
    ['a secret', { $secret: 'a'.repeat(64) }],
    ['a value from the filestore', { $value: hash, size: 1 }],
  ])('is refused for an input that holds %s', (what, value) => {
    expect(failureOf(() => podOn(containerLaunch({ inputs: { x: value } })))).toEqual({
      kind: 'rejected',
      message: `The input x holds ${what}, which a pod cannot take`,
      details: { input: 'x' },
    });
  });

  it('is refused for more inputs than an object of the API may carry', () => {
    expect(failureOf(() => podOn(containerLaunch({ inputs: { x: 'é'.repeat(100_000) } })))).toMatchObject({
      kind: 'rejected',
      message: 'The inputs take 200008 bytes as JSON, a pod takes at most 200000',
    });
  });

  it.each([{ command: ['a\0b'] }, { env: { A: '\0' } }])('is refused for a zero byte in %o', (action) => {
    expect(failureOf(() => podOn(containerLaunch({ action })))).toMatchObject({ kind: 'invalid' });
  });
});

describe("a pod's share of its node", () => {
  const site = siteWith({
    defaults: {
      requests: { cpu: 0.1, memory: '128M', ephemeralStorage: '1G' },
      limits: { cpu: 1, memory: '1G', ephemeralStorage: '4G' },
    },
  });
  const shareOf = (resources: ContainerLaunch['resources']) =>
    containerOf(podOn(containerLaunch({ resources }), site)).resources;

  it('is what the site has for those that ask nothing', () => {
    expect(shareOf({})).toEqual({
      requests: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '1024Mi' },
      limits: { cpu: '1', memory: '1024Mi', 'ephemeral-storage': '4096Mi' },
    });
  });

  it('is what the action asks, as request and as limit', () => {
    expect(shareOf({ cpu: 2, memory_bytes: 5_000_000_000, gpu: 1.5 })).toEqual({
      requests: { cpu: '2', memory: '5000000000', 'ephemeral-storage': '1024Mi', 'nvidia.com/gpu': '2' },
      limits: { cpu: '2', memory: '5000000000', 'ephemeral-storage': '4096Mi', 'nvidia.com/gpu': '2' },
    });
  });

  it('is counted as Kubernetes counts it: a limit without a request is one', () => {
    const defaults = siteWith({ defaults: { requests: { cpu: 0.1 }, limits: { cpu: 1, memory: '1G' } } }).defaults;
    expect(amountsOfPod({ gpu: 0.5 }, defaults)).toEqual({ slots: 1, cpu: 0.1, memory_bytes: 2 ** 30, gpu: 1 });
    const limited = siteWith({ defaults: { limits: { cpu: 1 } } }).defaults;
    expect(amountsOfPod({}, limited)).toEqual({ slots: 1, cpu: 1, memory_bytes: 0, gpu: 0 });
    expect(amountsOfPod({ cpu: 2, memory_bytes: 5 }, defaults)).toMatchObject({ cpu: 2, memory_bytes: 5, gpu: 0 });
  });

  it.each([
    [2.007, '2007m'],
    [0.0001, '1m'],
    [1.5, '1500m'],
    [3, '3'],
  ])('of %d cores is written as %s', (cpu, quantity) => {
    expect(shareOf({ cpu })?.requests?.cpu).toBe(quantity);
  });
});

describe("a pod's deadline", () => {
  // 300 s: the longest that the site waits for image, configuration and volumes.
  const site = siteWith({
    gracePeriod: '20s',
    patience: { image: '5m', configuration: '1m', starting: '1m' },
    nodePools: [
      { name: 'default', cpu: 4, memory: '8G', slots: 10 },
      { name: 'short', cpu: 4, memory: '8G', slots: 10, timeLimit: '1m' },
    ],
  });
  const deadlineOf = (fields: Parameters<typeof containerLaunch>[0], pool?: string) =>
    specOf(podOn(containerLaunch(fields), site, pool)).activeDeadlineSeconds;

  it.each([
    ['the time limit', { timeoutMs: 90_500 }, 'default', 91 + 320],
    ['the time that the action asks', { timeoutMs: 600_000, resources: { time_ms: 30_000 } }, 'default', 30 + 320],
    ["the pool's time limit", {}, 'short', 60 + 320],
  ])('comes after %s, by what starting and ending may take', (_what, fields, pool, expected) => {
    expect(deadlineOf(fields, pool)).toBe(expected);
  });

  it('is none without a time limit', () => {
    expect(deadlineOf({})).toBeUndefined();
  });

  it('is none of a pod with files: bringing them is no work of the action, and its outputs wait until they are fetched', () => {
    const carried = { by: 'files', values: {}, passwords: [] } as const;
    const launch = containerLaunch({ timeoutMs: 90_500 });
    const pod = podFor(launch, poolOf(site), site, carried, { image: 'files', token: 't' });
    expect(specOf(pod).activeDeadlineSeconds).toBeUndefined();
  });

  it('is one that Kubernetes can count', () => {
    expect(deadlineOf({ timeoutMs: Number.MAX_SAFE_INTEGER })).toBe(2 ** 31 - 1);
  });
});

/** What a kubelet makes of commands and values: `$$` is a `$`, `$(NAME)` the variable of that name where there is one. */
function expandedByKubernetes(text: string): string {
  return text.replace(/\$(\$|\((.*?)\))/g, (all, escaped: string, name: string | undefined) =>
    escaped === '$' ? '$' : name === 'A' || name === 'region' ? 'REPLACED' : all,
  );
}

function failureOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof AttemptFailure) return error.failure;
    throw error;
  }
  return undefined;
}
