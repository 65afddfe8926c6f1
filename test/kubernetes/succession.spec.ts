import { answerWithin } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { pods as podsResource } from '../../libs/testing/src/kubernetes/objects';
import { TestSite } from './site';
import { isReal, itWithTestServer, patienceMs, specMs } from './target';
import { HeldOutput, soonMs, type TestExecutor } from './test-executor';

/** In a cluster all of them have to begin while they are held up. */
const pods = isReal ? 6 : 12;
/** So few that each is asked for in the seconds that an executor has to leave, on a slow machine, too. */
const left = 4;
const retentionMs = 1_500;

describe('executors of one site', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open({ site: { retention: `${retentionMs / 1000}s` } });
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  async function begin(executor: TestExecutor, count = pods) {
    const gate = site.gate();
    const launches = Array.from({ length: count }, () => site.launch(`echo begun; ${gate.wait}; echo over`));
    const attempts = launches.map((launch) => executor.launch(launch));
    await Promise.all(attempts.map(({ log }) => log.has('begun')));
    return { gate, launches, attempts };
  }

  async function adopted(count: number, ...executors: readonly TestExecutor[]): Promise<void> {
    const found = () => executors.reduce((sum, each) => sum + each.adopted.length, 0);
    const describe = () => `${count} adoptions, found ${found()}`;
    await waitFor(() => found() >= count, { timeoutMs: patienceMs, describe });
  }

  it(
    'share the pods of one that is gone: each is adopted by one of them',
    async () => {
      const [first, second, third] = [await site.executor(), await site.executor(), await site.executor()];
      const { gate, launches } = await begin(first);
      await first.close();
      const alive = [second.incarnation, third.incarnation];
      second.launcher.alive(alive);
      third.launcher.alive([...alive].reverse());
      await adopted(pods, second, third);
      await gate.open();

      const all = [...second.adopted, ...third.adopted];
      expect(all.map(({ runId }) => runId).sort()).toEqual(launches.map(({ runId }) => runId).sort());
      for (const attempt of all) expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
    },
    specMs,
  );

  it(
    'have the pods of one that has left in peace at once, although it still counts as living',
    async () => {
      const [first, second] = [await site.executor(), await site.executor()];
      const { gate, attempts } = await begin(first, left);
      const alive = [first.incarnation, second.incarnation];
      second.launcher.alive(alive);
      await first.close();
      await waitFor(
        () => {
          second.launcher.alive(alive);
          return second.adopted.length === attempts.length;
        },
        { timeoutMs: patienceMs, intervalMs: 100, describe: 'all to be adopted' },
      );
      await gate.open();
      for (const attempt of second.adopted) expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
    },
    specMs,
  );

  itWithTestServer('adopt what its owner has let go of since they last heard of it', async () => {
    const [first, second] = [await site.executor(), await site.executor()];
    const { gate } = await begin(first, 1);
    site.server.misbehaviour.silenceWatches();
    await first.close();
    second.launcher.alive([second.incarnation]);
    await adopted(1, second);
    site.server.misbehaviour.dropWatches();
    await gate.open();
    expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded' });
  });

  itWithTestServer('let go of pods, too, that they are about to adopt', async () => {
    const [first, second, third] = [await site.executor(), await site.executor(), await site.executor()];
    const { gate, attempts } = await begin(first, left);
    await first.close();
    site.server.misbehaviour.delay(300, { method: 'PATCH' });
    second.launcher.alive([second.incarnation]);
    await second.close();
    site.server.misbehaviour.calm();

    const alive = [second.incarnation, third.incarnation];
    const areAdopted = () => {
      third.launcher.alive(alive);
      return third.adopted.length === attempts.length;
    };
    await waitFor(areAdopted, { timeoutMs: patienceMs, intervalMs: 100, describe: 'all to be adopted' });
    await gate.open();
    for (const attempt of third.adopted) expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
  });

  it(
    'of which each has heard of itself alone do not take pods from each other',
    async () => {
      const [first, second, third] = [await site.executor(), await site.executor(), await site.executor()];
      const { gate, launches } = await begin(first);
      await first.close();
      second.launcher.alive([second.incarnation]);
      third.launcher.alive([third.incarnation]);
      await adopted(pods, second, third);
      await gate.open();

      const all = [...second.adopted, ...third.adopted];
      for (const attempt of all) expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
      expect(all.map(({ runId }) => runId).sort()).toEqual(launches.map(({ runId }) => runId).sort());
    },
    specMs,
  );

  it(
    'let go of pods that another one has adopted although they live',
    async () => {
      const [zombie, second] = [await site.executor(), await site.executor()];
      const { gate, attempts } = await begin(zombie);
      second.launcher.alive([second.incarnation]);
      await adopted(pods, second);
      expect(new Set(await Promise.all(attempts.map(({ running }) => running.ended)))).toEqual(new Set(['left']));
      await gate.open();
      for (const attempt of second.adopted) {
        expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
        expect(attempt.log.lines).toEqual(['begun', 'over']);
      }
    },
    specMs,
  );

  it(
    'leave the pods of those who live alone',
    async () => {
      const [first, second] = [await site.executor(), await site.executor()];
      const { gate, attempts } = await begin(first);
      second.launcher.alive([first.incarnation, second.incarnation]);
      await gate.open();
      for (const attempt of attempts) expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
      expect(second.adopted).toEqual([]);
    },
    specMs,
  );

  it(
    'know of pods of each other, and of those that are nowhere',
    async () => {
      const [first, second] = [await site.executor(), await site.executor()];
      const launch = site.launch('echo begun; sleep 30');
      await first.launch(launch).log.has('begun');
      expect(await second.exists(launch)).toBe(true);
      expect(await second.exists({ ...launch, attempt: 2 })).toBe(false);
      // It answers for what it holds itself, and is asked only about what it does not.
      expect(await first.exists(launch)).toBe(false);
    },
    specMs,
  );

  it(
    'keep a finished pod until its outcome was recorded, and for the retention after that',
    async () => {
      const executor = await site.executor();
      const launch = site.launch('echo over');
      const attempt = executor.launch(launch);
      expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
      expect(await site.pods()).toHaveLength(1);
      executor.forget(launch);
      const forgottenAtMs = performance.now();
      await site.noPodIsLeft();
      expect(performance.now() - forgottenAtMs).toBeGreaterThanOrEqual(retentionMs);
    },
    specMs,
  );

  itWithTestServer('do not keep a pod that may yet begin', async () => {
    const patient = await TestSite.open({ site: { retention: '1h' } });
    try {
      patient.server.misbehaviour.slowStarts(60_000);
      const executor = await patient.executor();
      const launch = patient.launch('echo never');
      const attempt = executor.launch(launch);
      await patient.containerIs('waiting', launch);
      executor.forget(launch);
      await patient.noPodIsLeft();
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    } finally {
      await patient.close();
    }
  });

  itWithTestServer('that leave while they read the last of a log leave the attempt to their successor', async () => {
    const [first, second] = [await site.executor(), await site.executor()];
    const launch = site.launch('echo over');
    site.server.misbehaviour.fail({ path: /\/log\?/, times: Infinity });
    const attempt = first.launch(launch);
    await site.containerIs('terminated', launch);
    await waitFor(() => (site.server.requestCounts['log pods'] ?? 0) > 1, { describe: 'the log to be asked for' });
    await first.close();
    expect(await attempt.running.ended).toBe('left');

    site.server.misbehaviour.calm();
    second.launcher.alive([second.incarnation]);
    await adopted(1, second);
    expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded' });
    expect(second.adopted[0]?.log.lines).toEqual(['over']);
  });

  itWithTestServer('that leave when they hear that a pod has ended and is gone tell what it had come to', async () => {
    const first = await site.executor();
    const gate = site.gate();
    const outputs = [{ name: 'total', type: 'integer', help: '', human_name: '' }];
    const script = `echo begun; ${gate.wait}; echo '{"total": 6}' > "$RYAX_OUTPUTS"`;
    const launch = site.launch(script, { action: { outputs } });
    const output = new HeldOutput();
    const { ended } = first.launcher.launch(launch, output);
    await output.has('begun');
    // It hears of both at once.
    const { misbehaviour } = site.server;
    misbehaviour.hangUp({ path: /watch=true/, times: Infinity });
    misbehaviour.dropWatches();
    await gate.open();
    await site.containerIs('terminated', launch);
    await site.deletePod(site.podName(launch));
    misbehaviour.calm();
    // Of which it has heard once it has heard of what came later.
    await first.launch(site.launch('echo later')).log.has('later');
    await answerWithin(soonMs, () => first.close());
    expect(await ended).toMatchObject({ outcome: { status: 'succeeded', outputs: { total: 6 } } });
    output.release();
  });

  itWithTestServer('do not call a pod unknown that they are about to adopt', async () => {
    const [first, second] = [await site.executor(), await site.executor()];
    const launch = site.launch('echo begun; sleep 30');
    await first.launch(launch).log.has('begun');
    await first.close();
    const { misbehaviour } = site.server;
    misbehaviour.loseReply({ method: 'PATCH' });
    misbehaviour.hangUp({ method: 'GET', path: new RegExp(`/${site.podName(launch)}$`), times: Infinity });
    second.launcher.alive([second.incarnation]);
    const isLabelled = async () =>
      (await site.pods())[0]?.metadata?.labels?.['ryax.tech/executor'] === second.incarnation;
    await waitFor(isLabelled, { describe: 'the pod to be labelled' });
    // Of which the executor has heard once it has heard of what came later.
    await second.launch(site.launch('echo later')).log.has('later');
    expect(second.adopted).toEqual([]);
    expect(await second.exists(launch)).toBe(true);

    misbehaviour.calm();
    await adopted(1, second);
  });

  itWithTestServer('do not call a pod unknown that they have just let go of', async () => {
    const only = await site.executor();
    const [launch, never] = [site.launch('echo begun; sleep 30'), site.launch('echo never')];
    const { running, log } = only.launch(launch);
    await log.has('begun');
    // Before the label of a pod is ours no more, it has not been told of it, nor when it has stopped to listen.
    site.server.misbehaviour.silenceWatches();
    await only.close();
    expect(await running.ended).toBe('left');
    expect(await only.exists(launch)).toBe(true);
    // Nor can it look any more: whoever comes next is asked.
    expect(await only.exists(never)).toBe(true);
  });

  itWithTestServer('that may not adopt do not try again and again', async () => {
    const [first, second] = [await site.executor(), await site.executor()];
    const launch = site.launch('echo begun; sleep 30');
    await first.launch(launch).log.has('begun');
    await first.close();
    site.server.resetRequestCounts();
    site.server.misbehaviour.forbid('patch', podsResource, 'runs', { method: 'PATCH', times: Infinity });
    for (let times = 0; times < 10; times++) {
      second.launcher.alive([second.incarnation]);
      // A request later it has heard what came of it.
      await second.exists({ ...launch, attempt: 2 });
    }
    expect(site.server.requestCounts['patch pods']).toBe(1);
    expect(second.adopted).toEqual([]);
  });

  itWithTestServer('are not sure that a pod is nowhere because a list does not have it', async () => {
    site.server.misbehaviour.freezeLists();
    const first = await site.executor();
    const launch = site.launch('echo begun; sleep 30');
    await first.launch(launch).log.has('begun');
    site.server.misbehaviour.hangUp({ path: /watch=true/, times: Infinity });
    const second = await site.executor();
    expect(await second.exists(launch)).toBe(true);
  });
});
