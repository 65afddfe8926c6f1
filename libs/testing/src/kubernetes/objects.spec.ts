import { useKubernetes } from '../index';
import { ask, podsPath, shellPod, createPod, waitForPhase } from './testing/client';

const secretsPath = '/api/v1/namespaces/default/secrets';
const leasesPath = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const merge = 'application/merge-patch+json';

describe('objects of the test API server', () => {
  const server = useKubernetes({ namespaces: ['other'] });

  async function createSecrets(...labels: Record<string, string>[]): Promise<void> {
    for (const [index, set] of labels.entries()) {
      const body = { metadata: { name: `s${index}`, labels: set } };
      await ask(server(), 'POST', secretsPath, { body });
    }
  }

  async function names(query: string): Promise<string[]> {
    const answer = await ask(server(), 'GET', `${secretsPath}?${query}`);
    return (answer.json().items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
  }

  it('share one version, and have a uid and a time of creation', async () => {
    const { metadata: first } = (
      await ask(server(), 'POST', secretsPath, { body: { metadata: { name: 'a' } } })
    ).json();
    const { metadata: second } = (
      await ask(server(), 'POST', leasesPath, { body: { metadata: { name: 'a' } } })
    ).json();
    expect(Number(second.resourceVersion)).toBe(Number(first.resourceVersion) + 1);
    expect(first.uid).not.toBe(second.uid);
    expect(first.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('get a name of their own from generateName', async () => {
    const answer = await ask(server(), 'POST', secretsPath, { body: { metadata: { generateName: 'a-' } } });
    expect(answer.json().metadata.name).toMatch(/^a-\w{5}$/);
  });

  it.each([
    ['a=1', ['s0']],
    ['a==1', ['s0']],
    ['a!=1', ['s1', 's2']],
    ['a in (1,2)', ['s0', 's1']],
    ['a notin (1,2)', ['s2']],
    ['a', ['s0', 's1']],
    ['!a', ['s2']],
    ['a in (1,2),b=x', ['s1']],
    ['b = x , a', ['s1']],
  ])('are chosen by labels: %s', async (selector, expected) => {
    await createSecrets({ a: '1' }, { a: '2', b: 'x' }, { b: 'y' });
    expect(await names(`labelSelector=${encodeURIComponent(selector)}`)).toEqual(expected);
  });

  it('are chosen by fields', async () => {
    await createSecrets({}, {});
    expect(await names('fieldSelector=metadata.name%3Ds1')).toEqual(['s1']);
  });

  it('come in pages of one moment', async () => {
    await createSecrets({}, {}, {});
    const first = (await ask(server(), 'GET', `${secretsPath}?limit=2`)).json();
    expect(first.metadata.remainingItemCount).toBe(1);
    await ask(server(), 'DELETE', `${secretsPath}/s2`);
    const second = (await ask(server(), 'GET', `${secretsPath}?limit=2&continue=${first.metadata.continue}`)).json();
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual(['s2']);
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion });
  });

  it('are listed by namespace, or all of them', async () => {
    await createSecrets({});
    await ask(server(), 'POST', '/api/v1/namespaces/other/secrets', { body: { metadata: { name: 's' } } });
    expect(await names('')).toEqual(['s0']);
    expect((await ask(server(), 'GET', '/api/v1/secrets')).json().items).toHaveLength(2);
  });

  it('are not overwritten from an older version: stale PUT 409 Conflict', async () => {
    const lease = (await ask(server(), 'POST', leasesPath, { body: { metadata: { name: 'l' }, spec: {} } })).json();
    const first = { ...lease, spec: { holderIdentity: 'first' } };
    const second = { ...lease, spec: { holderIdentity: 'second' } };
    expect((await ask(server(), 'PUT', `${leasesPath}/l`, { body: first })).code).toBe(200);
    const answer = await ask(server(), 'PUT', `${leasesPath}/l`, { body: second });
    expect(answer.json()).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on leases.coordination.k8s.io "l": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: 'l', group: 'coordination.k8s.io', kind: 'leases' },
    });
    expect((await ask(server(), 'GET', `${leasesPath}/l`)).json().spec.holderIdentity).toBe('first');
  });

  it('get no new version from a change that changes nothing', async () => {
    await createSecrets({ a: '1' });
    const body = { metadata: { labels: { a: '1' } } };
    const before = server().store.version;
    await ask(server(), 'PATCH', `${secretsPath}/s0`, { body, contentType: merge });
    expect(server().store.version).toBe(before);
  });

  it('are patched: merge patch, and JSON patch', async () => {
    await createSecrets({ a: '1', b: '2' });
    const body = { metadata: { labels: { a: null, c: '3' } } };
    const merged = await ask(server(), 'PATCH', `${secretsPath}/s0`, { body, contentType: merge });
    expect(merged.json().metadata.labels).toEqual({ b: '2', c: '3' });
    const steps = [
      { op: 'test', path: '/metadata/labels/b', value: '2' },
      { op: 'remove', path: '/metadata/labels/b' },
      { op: 'add', path: '/metadata/labels/x~1y', value: '4' },
    ];
    const contentType = 'application/json-patch+json';
    const stepped = await ask(server(), 'PATCH', `${secretsPath}/s0`, { body: steps, contentType });
    expect(stepped.json().metadata.labels).toEqual({ c: '3', 'x/y': '4' });
  });

  it('have a status that only /status changes', async () => {
    await createPod(server(), shellPod('p', 'true'));
    await waitForPhase(server(), 'p', 'Succeeded');
    const body = { status: { phase: 'Odd' }, metadata: { labels: { a: '1' } } };
    await ask(server(), 'PATCH', `${podsPath}/p`, { body, contentType: merge });
    expect(server().pod('default', 'p')).toMatchObject({
      metadata: { labels: { a: '1' } },
      status: { phase: 'Succeeded' },
    });
    await ask(server(), 'PATCH', `${podsPath}/p/status`, { body, contentType: merge });
    expect(server().pod('default', 'p')?.status.phase).toBe('Odd');
  });
});
