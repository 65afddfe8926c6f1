import { TestSite } from './site';
import { isReal, itWithTestServer, specMs } from './target';

/** Says so when it is told to stop, and does at once: a shell acts on a signal when what it waits for has ended, or at once in wait. */
const obedient = 'trap "echo told to stop; exit 0" TERM; echo begun; sleep 60 & wait';
const stubborn = 'trap "" TERM; echo begun; while :; do sleep 1; done';

describe('an attempt that is ended before its end', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.open({ site: { gracePeriod: '60s' } });
  }, specMs);
  afterEach(() => TestSite.expectNoPods(), specMs);
  afterAll(() => TestSite.closeAll(), specMs);

  it(
    'is told to stop when its time is over, and fails as a timeout',
    async () => {
      const executor = await site.executor();
      const limitMs = isReal ? 5_000 : 3_000;
      const { end, log } = await executor.run(site.launch(obedient, { timeoutMs: limitMs }));
      expect(end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'timeout' } });
      expect(log.lines).toEqual(['begun', 'told to stop']);
    },
    specMs,
  );

  it(
    'does not lose time of its limit to its image, node and start',
    async () => {
      const executor = await site.executor();
      if (!isReal) site.server.misbehaviour.slowStarts(4_000);
      const outcome = await executor.outcomeOf(site.launch('exit 0', { timeoutMs: isReal ? 20_000 : 3_500 }));
      if (!isReal) site.server.misbehaviour.calm();
      expect(outcome).toMatchObject({ status: 'succeeded' });
    },
    specMs,
  );

  it(
    'is told to stop when it is cancelled, and its last words are in its log',
    async () => {
      const executor = await site.executor();
      const launch = site.launch(obedient);
      const attempt = executor.launch(launch);
      await attempt.log.has('begun');
      attempt.running.cancel(false);
      expect(await attempt.outcome()).toEqual({ status: 'cancelled' });
      expect(attempt.log.lines).toEqual(['begun', 'told to stop']);
    },
    specMs,
  );

  it(
    'that does not stop is killed when its grace is over',
    async () => {
      const brief = await TestSite.open({ site: { gracePeriod: '1s' } });
      try {
        const executor = await brief.executor();
        const attempt = executor.launch(brief.launch(stubborn));
        await attempt.log.has('begun');
        attempt.running.cancel(false);
        expect(await attempt.outcome()).toEqual({ status: 'cancelled' });
        await brief.noPodIsLeft();
      } finally {
        await brief.close();
      }
    },
    specMs,
  );

  it(
    'that does not stop is killed at once by force',
    async () => {
      const patient = await TestSite.open({ site: { gracePeriod: '10m' } });
      try {
        const executor = await patient.executor();
        const attempt = executor.launch(patient.launch(stubborn));
        await attempt.log.has('begun');
        attempt.running.cancel(false);
        attempt.running.cancel(true);
        expect(await attempt.outcome()).toEqual({ status: 'cancelled' });
        await patient.noPodIsLeft();
      } finally {
        await patient.close();
      }
    },
    specMs,
  );

  it(
    'is lost when somebody else deletes its pod',
    async () => {
      const executor = await site.executor();
      const launch = site.launch(stubborn);
      const attempt = executor.launch(launch);
      await attempt.log.has('begun');
      await site.deletePod(site.podName(launch));
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    },
    specMs,
  );

  it(
    'is lost when somebody else deletes its pod with a grace, although it then ends well',
    async () => {
      const executor = await site.executor();
      const launch = site.launch(obedient);
      const attempt = executor.launch(launch);
      await attempt.log.has('begun');
      await site.deletePod(site.podName(launch), 60);
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
      expect(attempt.log.lines).toEqual(['begun', 'told to stop']);
    },
    specMs,
  );

  it(
    'keeps its outcome when its pod is deleted after its end',
    async () => {
      const executor = await site.executor();
      const launch = site.launch('echo done; exit 3');
      const attempt = executor.launch(launch);
      await site.containerIs('terminated', launch);
      await site.deletePod(site.podName(launch));
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'crash', code: 3 } });
    },
    specMs,
  );

  itWithTestServer('keeps its outcome when its pod is deleted while its log is read', async () => {
    const executor = await site.executor();
    const launch = site.launch('echo done');
    const { misbehaviour } = site.server;
    misbehaviour.delay(300, { method: 'GET', path: /\/log\?/, times: 2 });
    const attempt = executor.launch(launch);
    await site.containerIs('terminated', launch);
    await site.deletePod(site.podName(launch));
    expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
  });

  itWithTestServer('is lost when its node is deleted with it', async () => {
    const lonely = await TestSite.open({ server: { nodes: [{ name: 'first' }] } });
    try {
      const executor = await lonely.executor();
      const attempt = executor.launch(lonely.launch(stubborn));
      await attempt.log.has('begun');
      lonely.server.misbehaviour.deleteNode('first');
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
      await lonely.noPodIsLeft();
    } finally {
      await lonely.close();
    }
  });

  itWithTestServer('is lost when nothing is heard of its node for too long', async () => {
    const unheard = await TestSite.open({ site: { patience: { unreachable: '1s' } } });
    try {
      const executor = await unheard.executor();
      const attempt = executor.launch(unheard.launch(stubborn));
      await attempt.log.has('begun');
      unheard.server.misbehaviour.loseNode('node1');
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
      await unheard.noPodIsLeft();
    } finally {
      await unheard.close();
    }
  });
});
