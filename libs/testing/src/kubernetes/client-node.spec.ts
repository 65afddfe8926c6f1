import { PassThrough } from 'node:stream';
import { ApiException, CoreV1Api, KubeConfig, Log, makeInformer, Watch, type V1Pod } from '@kubernetes/client-node';
import { useKubernetes, waitFor } from '../index';
import { describeChange, recordedSequence, shellPod } from './testing/client';

describe('@kubernetes/client-node with the kubeconfig of the test API server', () => {
  const server = useKubernetes({ namespaces: ['wf'] });

  function connect() {
    const config = new KubeConfig();
    config.loadFromString(server().kubeconfig('wf'));
    return { config, api: config.makeApiClient(CoreV1Api) };
  }
  const pod = (name: string, script: string) => shellPod(name, script, { labels: { app: 'wf' } }) as V1Pod;

  it('creates a pod, watches it to its end, reads its log and deletes it', async () => {
    const { config, api } = connect();
    expect(config.getContextObject('test')?.namespace).toBe('wf');
    const { metadata } = await api.listNamespacedPod({ namespace: 'wf' });
    const lines: string[] = [];
    const watch = await new Watch(config).watch(
      '/api/v1/namespaces/wf/pods',
      { resourceVersion: metadata?.resourceVersion, labelSelector: 'app=wf' },
      (type, object) => {
        const line = describeChange({ type: type as 'ADDED', object });
        if (lines.at(-1) !== line) lines.push(line);
      },
      () => undefined,
    );
    await api.createNamespacedPod({ namespace: 'wf', body: pod('ok', 'echo out') });
    await waitFor(() => lines.at(-1)?.startsWith('M Succeeded') === true);
    expect(lines).toEqual(recordedSequence('ok'));
    expect(await api.readNamespacedPodLog({ namespace: 'wf', name: 'ok' })).toBe('out\n');
    const deleted = await api.deleteNamespacedPod({ namespace: 'wf', name: 'ok', body: { gracePeriodSeconds: 1 } });
    expect(deleted).toMatchObject({ metadata: { name: 'ok' } });
    await waitFor(() => lines.at(-1)?.startsWith('D') === true);
    watch.abort();
  });

  it('follows a log', async () => {
    const { config, api } = connect();
    await api.createNamespacedPod({ namespace: 'wf', body: pod('ok', 'echo one; echo two') });
    await waitFor(() => server().pod('wf', 'ok')?.status.phase === 'Succeeded');
    const target = new PassThrough();
    await new Log(config).log('wf', 'ok', 'main', target, { follow: true, timestamps: true });
    let text = '';
    for await (const chunk of target) text += String(chunk);
    expect(text).toMatch(/^\S+Z one\n\S+Z two\n$/);
  });

  it('feeds an informer', async () => {
    const { config, api } = connect();
    const informer = makeInformer(config, '/api/v1/namespaces/wf/pods', () =>
      api.listNamespacedPod({ namespace: 'wf' }),
    );
    const seen: string[] = [];
    informer.on('add', ({ metadata }) => seen.push(metadata?.name ?? ''));
    informer.on('error', () => undefined);
    await informer.start();
    await api.createNamespacedPod({ namespace: 'wf', body: pod('one', 'true') });
    await waitFor(() => seen.includes('one'));
    await informer.stop();
    expect(seen).toEqual(['one']);
  });

  it('is told of refusals as it is by a real server: the body is a string, and not always JSON', async () => {
    const { api } = connect();
    const failure = async (name: string) => {
      const error: unknown = await api.readNamespacedPod({ namespace: 'wf', name }).catch((caught: unknown) => caught);
      if (error instanceof ApiException) return { code: error.code, body: error.body as string };
      throw error;
    };
    const missing = await failure('zzz');
    expect([missing.code, JSON.parse(missing.body).reason]).toEqual([404, 'NotFound']);
    server().misbehaviour.throttle();
    const throttled = await failure('zzz');
    expect([throttled.code, throttled.body.trim()]).toEqual([429, 'Too many requests, please try again later.']);
  });

  it('counts each of its requests once', async () => {
    const { api } = connect();
    await api.listNamespacedPod({ namespace: 'default' });
    expect(server().requestCounts).toEqual({ 'list pods': 1 });
  });
});
