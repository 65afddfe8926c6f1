import { waitFor } from '@ryax/testing';
import { waitForTurnsAlone } from '../../apps/executor/src/kubernetes/testing/turns';
import { asPod, pods } from '../../libs/testing/src/kubernetes/objects';
import { TestSite } from './site';
import { itWithTestServer, patienceMs, specMs } from './target';

const creation = { method: 'POST', path: /\/pods$/ };
const readings = { method: 'GET', path: /\/pods\/[^/?]+$/ };
const succeeded = { status: 'succeeded' };
const rejected = (message: RegExp) => ({
  status: 'failed',
  failure: { kind: 'rejected', message: expect.stringMatching(message) as string },
});

describe('the pod of an attempt', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open();
  }, specMs);
  afterEach(() => {
    jest.restoreAllMocks();
    return TestSite.closeAll();
  }, specMs);

  const timesAsked = () => site.server.requestCounts['create pods'];
  /** So that an executor hears of its pod although the reply to its creation was lost. */
  const isWatching = () => waitFor(() => site.server.openWatches > 0, { describe: 'an open watch' });

  it(
    'is not created where no runner counts on its executor any more',
    async () => {
      const executor = await site.executor(() => false);
      const outcome = await executor.outcomeOf(site.launch('echo never'));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
      expect(await site.pods()).toEqual([]);
    },
    specMs,
  );

  itWithTestServer('waits for room where the quota is used up, and says so', async () => {
    const executor = await site.executor();
    const gate = site.gate();
    site.server.setPolicy('runs', { maxPods: 1 });
    const first = executor.launch(site.launch(`echo begun; ${gate.wait}`));
    await first.log.has('begun');
    const second = executor.launch(site.launch('exit 0'));
    await second.log.has('exceeded quota: pods');
    await gate.open();
    expect(await first.outcome()).toMatchObject(succeeded);
    expect(await second.outcome()).toMatchObject(succeeded);
    expect(second.log.text.split('exceeded quota')).toHaveLength(2);
    expect(timesAsked()).toBeLessThan(15);
  });

  itWithTestServer('is created when another one of the site ends that had used the quota up', async () => {
    waitForTurnsAlone();
    const executor = await site.executor();
    const gate = site.gate();
    site.server.setPolicy('runs', { maxPods: 1 });
    const first = executor.launch(site.launch(`echo begun; ${gate.wait}`));
    await first.log.has('begun');
    const others = [executor.launch(site.launch('exit 0')), executor.launch(site.launch('exit 0'))];
    for (const { log } of others) await log.has('exceeded quota: pods');
    await gate.open();
    for (const attempt of [first, ...others]) expect(await attempt.outcome()).toMatchObject(succeeded);
  });

  itWithTestServer('is created with credentials that were renewed meanwhile', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.answer(site.server.answers.unauthorized(), creation);
    expect(await executor.outcomeOf(site.launch('exit 0'))).toMatchObject(succeeded);
    expect(timesAsked()).toBe(2);
  });

  itWithTestServer('is found where the reply to its creation was lost', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.loseReply(creation);
    expect(await executor.outcomeOf(site.launch('exit 0'))).toMatchObject(succeeded);
    expect(timesAsked()).toBeLessThanOrEqual(2);
    await site.noPodIsLeft();
  });

  itWithTestServer('is found by its name where neither a reply nor the watch has told of it', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.hangUp({ path: /watch=true/, times: Infinity });
    site.server.misbehaviour.dropWatches();
    site.server.misbehaviour.loseReply(creation);
    const attempt = executor.launch(site.launch('exit 0'));
    await waitFor(() => timesAsked() === 2, { describe: 'it to be asked for again' });
    site.server.misbehaviour.requests.clear();
    expect(await attempt.outcome()).toMatchObject(succeeded);
    expect(site.server.pods('runs')).toHaveLength(1);
  });

  itWithTestServer('that was created and is gone, reply and all, is not created again', async () => {
    const executor = await site.executor();
    const launch = site.launch('sleep 300');
    // Nor does the watch tell of it.
    site.server.misbehaviour.hangUp({ path: /watch=true/, times: Infinity });
    site.server.misbehaviour.dropWatches();
    site.server.misbehaviour.loseReply(creation);
    site.server.misbehaviour.answer(site.server.answers.alreadyExists(pods, site.podName(launch)), creation);
    const look = site.server.misbehaviour.hold(readings);
    const attempt = executor.launch(launch);
    await waitFor(() => timesAsked() === 2, { describe: 'it to be asked for again' });
    expect(await site.pods()).toHaveLength(1);
    await site.deletePod(site.podName(launch));
    look();
    expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    expect(timesAsked()).toBe(2);
    expect(await site.pods()).toEqual([]);
  });

  itWithTestServer('that comes to be when its attempt has ended is deleted', async () => {
    const executor = await site.executor();
    const kept = site.launch('echo over');
    await executor.launch(kept).outcome();
    const launch = site.launch('echo begun; sleep 300');
    const land = site.server.misbehaviour.landLate(creation);
    const attempt = executor.launch(launch);
    await attempt.log.has('Its pod waits to be created');
    attempt.running.cancel(false);
    expect(await attempt.outcome()).toEqual({ status: 'cancelled' });

    land();
    const names = () => site.server.pods('runs').map(({ metadata }) => metadata.name);
    await waitFor(() => names().includes(site.podName(launch)), { describe: 'the pod to be there' });
    await waitFor(
      () => {
        executor.launcher.alive([executor.incarnation]);
        return names().length === 1;
      },
      { timeoutMs: patienceMs, intervalMs: 100, describe: 'the late pod to be deleted' },
    );
    // What has ended stays until its outcome is recorded.
    expect(names()).toEqual([site.podName(kept)]);
  });

  itWithTestServer('that has ended and is gone before its reply was missed is not created again', async () => {
    const executor = await site.executor();
    await isWatching();
    const launch = site.launch('exit 7');
    site.server.misbehaviour.loseReply(creation);
    // So that whoever asks again does so late.
    site.server.misbehaviour.fail({ ...creation, times: 2 });
    let created = 0;
    site.server.store.subscribe(({ type, object }) => {
      if (type === 'ADDED' && object.metadata.name === site.podName(launch)) created++;
      const { phase } = asPod(object).status ?? {};
      if (object.metadata.name === site.podName(launch) && phase === 'Failed')
        site.server.misbehaviour.removeFinished();
    });
    expect(await executor.outcomeOf(launch)).toMatchObject({ status: 'failed', failure: { kind: 'crash', code: 7 } });
    expect(site.server.pods('runs')).toEqual([]);
    expect(created).toBe(1);
  });

  itWithTestServer('is asked for again only when a busy server has said, in plain text', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.throttle(creation);
    const launch = site.launch('exit 0');
    const beganAtMs = performance.now();
    const attempt = executor.launch(launch);
    await waitFor(() => timesAsked() === 2);
    expect(performance.now() - beganAtMs).toBeGreaterThanOrEqual(1_000);
    expect(await attempt.outcome()).toMatchObject(succeeded);
  });

  itWithTestServer('is created in the end by a server that fails for a while', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.fail({ ...creation, times: 3 });
    site.server.misbehaviour.hangUp({ ...creation, times: 2 });
    expect(await executor.outcomeOf(site.launch('exit 0'))).toMatchObject(succeeded);
    expect(timesAsked()).toBe(6);
  });

  itWithTestServer('is created when the server is back', async () => {
    const executor = await site.executor();
    await site.server.goDown();
    const attempt = executor.launch(site.launch('exit 0'));
    await attempt.log.has('Its pod waits to be created');
    await site.server.comeBack();
    expect(await attempt.outcome()).toMatchObject(succeeded);
  });

  itWithTestServer('is created although others change the quota at the same time', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.answer(site.server.answers.quotaConflict('pods'), { ...creation, times: 4 });
    expect(await executor.outcomeOf(site.launch('exit 0'))).toMatchObject(succeeded);
    expect(timesAsked()).toBe(5);
  });

  itWithTestServer('is rejected where its executor may not create any, with what the server says', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.forbid('create', pods, 'runs', creation);
    const outcome = await executor.outcomeOf(site.launch('exit 0'));
    expect(outcome).toMatchObject(rejected(/cannot create resource "pods" .* in the namespace "runs"/));
    expect(timesAsked()).toBe(1);
  });

  itWithTestServer('is rejected in a namespace that is being deleted', async () => {
    const executor = await site.executor();
    site.server.setPolicy('runs', { isTerminating: true });
    expect(await executor.outcomeOf(site.launch('exit 0'))).toMatchObject(
      rejected(/namespace runs .*being terminated/),
    );
  });

  itWithTestServer('is rejected in a namespace that does not exist, with advice', async () => {
    const nowhere = await TestSite.open({ site: { namespace: 'nowhere' } });
    try {
      const executor = await nowhere.executor();
      const outcome = await executor.outcomeOf(nowhere.launch('exit 0'));
      expect(outcome).toMatchObject(rejected(/namespaces "nowhere" not found.*Create the namespace/));
    } finally {
      await nowhere.close();
    }
  });

  itWithTestServer('is rejected where its name is taken by somebody else, whose pod stays', async () => {
    const executor = await site.executor();
    const launch = site.launch('exit 0');
    const name = site.podName(launch);
    const spec = { containers: [{ name: 'main', image: 'busybox', command: ['/bin/sh', '-c', 'sleep 60'] }] };
    await site.ask({ method: 'POST', path: '/api/v1/namespaces/runs/pods', body: { metadata: { name }, spec } });
    expect(await executor.outcomeOf(launch)).toMatchObject(rejected(/is there, and is not of this attempt/));
    expect(site.server.pod('runs', name)?.metadata.deletionTimestamp).toBeUndefined();
  });

  itWithTestServer('is not created any more when its attempt is cancelled before', async () => {
    const executor = await site.executor();
    site.server.setPolicy('runs', { maxPods: 0 });
    const attempt = executor.launch(site.launch('exit 0'));
    await attempt.log.has('exceeded quota');
    attempt.running.cancel(false);
    expect(await attempt.outcome()).toEqual({ status: 'cancelled' });
    expect(site.server.pods('runs')).toEqual([]);
  });

  itWithTestServer('is removed when its attempt is cancelled while nobody knows whether it was created', async () => {
    const executor = await site.executor();
    await isWatching();
    site.server.misbehaviour.loseReply(creation);
    site.server.misbehaviour.fail({ ...readings, times: 2 });
    const attempt = executor.launch(site.launch('sleep 60'));
    await attempt.log.has('Its pod waits to be created');
    attempt.running.cancel(false);
    expect(await attempt.outcome()).toEqual({ status: 'cancelled' });
    expect(timesAsked()).toBe(1);
    await site.noPodIsLeft();
  });
});
