import type { V1Pod } from '@kubernetes/client-node';
import { Clock, Log, messageOf, Metrics, Owner } from '@ryax/platform';
import { podsResource, useKubernetes, waitFor } from '@ryax/testing';
import { ClusterConnection } from './connection';
import { defaultWatching, KnownPods, type PodNews } from './known-pods';
import { PodApi } from './pod-api';
import { RequestBudget } from './request-budget';

const namespace = 'runs';
const podThat = (does: string): V1Pod => ({
  metadata: { name: 'fit', labels: { app: 'quakes' } },
  spec: { containers: [{ name: 'main', image: 'busybox', command: ['/bin/sh', '-c', does] }] },
});
const pod = podThat('sleep 60');

describe('the pods that are known', () => {
  const server = useKubernetes({ namespaces: [namespace], secondMs: 50 });
  const clock = new Clock();
  let connection: ClusterConnection;
  let owner: Owner;
  let api: PodApi;
  let known: KnownPods;
  let news: PodNews['type'][];

  beforeEach(async () => {
    const log = new Log({ service: 'test', level: 'error' });
    connection = await ClusterConnection.open(clock, server().kubeconfig(namespace));
    const requests = new Metrics().counter({ name: 'requests', help: 'Requests', labelNames: ['verb', 'verdict'] });
    const budget = new RequestBudget({ perSecond: 1_000, burst: 1_000 }, clock);
    api = new PodApi(connection, budget, { namespace, labelSelector: 'app=quakes' }, requests);
    known = new KnownPods(api, clock, log);
    news = [];
    known.listen('fit', ({ type }) => news.push(type));
    owner = new Owner(log);
    await new Promise<void>((listed) => owner.run('follow', (signal) => known.follow(signal, listed)));
  });
  afterEach(async () => {
    await owner.stop();
    connection.close();
  });

  async function created(): Promise<V1Pod> {
    const answered = await api.create(pod, owner.signal);
    if (answered.verdict !== 'ok') throw new Error(`Expected a pod, found ${answered.verdict}`);
    return answered.object;
  }

  it('do not have one again that is gone, although an answer that was late tells of it', async () => {
    const early = await created();
    await waitFor(() => known.find('fit') !== undefined);
    await api.remove('fit', early.metadata?.uid ?? '', 0, owner.signal);
    await waitFor(() => news.at(-1) === 'gone');

    known.learn(early);
    expect(known.find('fit')).toBeUndefined();
    expect(news.at(-1)).toBe('gone');
  });

  it('have another one of the same name', async () => {
    const early = await created();
    await api.remove('fit', early.metadata?.uid ?? '', 0, owner.signal);
    await waitFor(() => news.at(-1) === 'gone');
    const late = await created();
    known.learn(late);
    expect(known.find('fit')?.metadata?.uid).toBe(late.metadata?.uid);
  });

  it('do not become older by an answer that was late', async () => {
    const early = await created();
    const isRunning = () => known.find('fit')?.status?.phase === 'Running';
    await waitFor(isRunning);
    known.learn(early);
    expect(isRunning()).toBe(true);
  });

  it('leave room when one has ended, and when one is gone, whether it had ended or not', async () => {
    const freed = jest.spyOn(known.room, 'freed');
    const early = await created();
    await waitFor(() => known.find('fit')?.status?.phase === 'Running');
    expect(freed).not.toHaveBeenCalled();
    await api.remove('fit', early.metadata?.uid ?? '', 0, owner.signal);
    await waitFor(() => news.at(-1) === 'gone');
    expect(freed).toHaveBeenCalledTimes(1);

    const brief = await api.create(podThat('true'), owner.signal);
    await waitFor(() => known.find('fit')?.status?.phase === 'Succeeded');
    expect(freed).toHaveBeenCalledTimes(2);
    const { uid = '' } = (brief.verdict === 'ok' ? brief.object.metadata : undefined) ?? {};
    await api.remove('fit', uid, 0, owner.signal);
    await waitFor(() => known.find('fit') === undefined);
    expect(freed).toHaveBeenCalledTimes(3);
  });

  it('are looked for at the server where the watch has not told of one', async () => {
    server().misbehaviour.silenceWatches();
    expect(await known.look('fit', owner.signal)).toBeUndefined();
    const early = await created();
    server().misbehaviour.fail({ method: 'GET', times: 2 });
    expect((await known.look('fit', owner.signal))?.metadata?.uid).toBe(early.metadata?.uid);
  });

  it('are said not to be known by whoever the server does not know, until it does', async () => {
    const { misbehaviour, answers } = server();
    misbehaviour.answer(answers.unauthorized(), { method: 'GET', times: Infinity });
    const said: string[] = [];
    const refused = new KnownPods(api, clock, new Log({ service: 'test', write: (line) => said.push(line) }));
    expect(() => refused.check()).toThrow('not listed yet');
    const listed = new Promise<void>((resolve) => owner.run('refused', (signal) => refused.follow(signal, resolve)));
    await waitFor(() => reasonOf(refused).includes('Unauthorized'));
    expect(reasonOf(refused)).toContain("Check the credentials in the executor's kubeconfig");
    expect(said[0]).toContain('"level":"error"');
    misbehaviour.calm();
    await listed;
    expect(reasonOf(refused)).toBe('');
  });

  /** Alone, and with an open watch. Answers what its check says whenever it tells why it hears nothing. */
  async function watching(): Promise<{ readonly pods: KnownPods; readonly said: string[] }> {
    await owner.stop();
    owner = new Owner(new Log({ service: 'test', level: 'error' }));
    const said: string[] = [];
    const pods: KnownPods = new KnownPods(
      api,
      clock,
      new Log({ service: 'test', write: () => said.push(reasonOf(pods)) }),
    );
    await new Promise<void>((listed) => owner.run('follow', (signal) => pods.follow(signal, listed)));
    await created();
    await waitFor(() => pods.find('fit') !== undefined);
    return { pods, said };
  }

  it.each(['unauthorized', 'notAllowed'] as const)(
    'are not called unknown because a server has refused for a moment: %s',
    async (refusal) => {
      const { said } = await watching();
      const { misbehaviour, answers } = server();
      const answer = {
        unauthorized: answers.unauthorized(),
        notAllowed: answers.notAllowed('us', 'watch', podsResource, namespace),
      };
      // Who is not known asks once more by itself.
      misbehaviour.answer(answer[refusal], { path: /watch=true/, times: 2 });
      misbehaviour.dropWatches();
      await waitFor(() => said.length > 0);
      expect(new Set(said)).toEqual(new Set(['']));
    },
  );

  it('are called unknown when a server goes on to refuse, until it does not', async () => {
    const { pods } = await watching();
    const { misbehaviour, answers } = server();
    misbehaviour.answer(answers.unauthorized(), { path: /watch=true/, times: Infinity });
    misbehaviour.dropWatches();
    await waitFor(() => reasonOf(pods).includes('Unauthorized'), { timeoutMs: 30_000 });
    misbehaviour.calm();
    await waitFor(() => reasonOf(pods) === '', { timeoutMs: 30_000 });
  }, 60_000);

  it('are called unknown by who may list but not watch them, however often they are listed', async () => {
    const { misbehaviour, answers } = server();
    const refusal = answers.notAllowed('us', 'watch', podsResource, namespace);
    misbehaviour.answer(refusal, { path: /watch=true/, times: Infinity });
    const options = { ...defaultWatching, relistMs: 100 };
    const pods = new KnownPods(api, clock, new Log({ service: 'test', write: () => undefined }), options);
    const said: string[] = [];
    owner.run('listing', (signal) => pods.follow(signal, () => said.push(reasonOf(pods))));
    await waitFor(() => reasonOf(pods).includes('watched'), { timeoutMs: 30_000 });
    const before = said.length;
    await waitFor(() => said.length > before + 1, { timeoutMs: 60_000 });
    expect(said.slice(before).every((reason) => reason.includes('watched'))).toBe(true);
    misbehaviour.calm();
    await waitFor(() => reasonOf(pods) === '', { timeoutMs: 60_000 });
  }, 120_000);

  it('are not called unknown because a server was away for a moment', async () => {
    const { misbehaviour } = server();
    misbehaviour.fail({ path: /watch=true/, times: Infinity });
    misbehaviour.dropWatches();
    await waitFor(() => (server().requestCounts['watch pods'] ?? 0) > 3);
    expect(reasonOf(known)).toBe('');
  });
});

function reasonOf(known: KnownPods): string {
  try {
    known.check();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}
