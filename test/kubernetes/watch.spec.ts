import { waitFor } from '@ryax/testing';
import { pods as podsResource } from '../../libs/testing/src/kubernetes/objects';
import type { Gate } from './gate';
import { KnownPods } from '../../apps/executor/src/kubernetes/cluster/known-pods';
import { TestSite } from './site';
import { itWithTestServer, specMs } from './target';
import type { TestExecutor, Watched } from './test-executor';

/** A watch that is silent for so long is given up; bookmarks come more often. */
const watching = { silenceMs: 1_500, relistMs: 600_000 };
const pods = 5;

describe('attempts whose executor is told late or nothing about their pods', () => {
  let site: TestSite;
  let executor: TestExecutor;
  let gate: Gate;
  let attempts: Watched[];

  beforeEach(async () => {
    site = await TestSite.open({ server: { bookmarkMs: 500 }, executor: { watching } });
    executor = await site.executor();
    gate = site.gate();
    attempts = [];
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  async function begin(): Promise<void> {
    const launches = Array.from({ length: pods }, () => site.launch(`echo begun; ${gate.wait}; echo over`));
    attempts = launches.map((launch) => executor.launch(launch));
    await Promise.all(attempts.map(({ log }) => log.has('begun')));
  }

  /** What happens meanwhile the executor does not hear of. */
  async function whileNobodyWatches(change: () => Promise<void>): Promise<void> {
    const { misbehaviour } = site.server;
    misbehaviour.hangUp({ path: /watch=true/, times: Infinity });
    misbehaviour.dropWatches();
    await change();
    misbehaviour.requests.clear();
  }

  async function allHaveEnded(): Promise<void> {
    const isOver = () => site.server.pods('runs').every(({ status }) => status.phase === 'Succeeded');
    await waitFor(isOver, { describe: 'all pods to have ended' });
  }

  /** Each as it should, and none of them twice. */
  async function endWell(): Promise<void> {
    await gate.open();
    for (const attempt of attempts) {
      expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
      expect(attempt.log.lines).toEqual(['begun', 'over']);
    }
    expect(site.server.requestCounts['create pods']).toBe(pods);
  }

  itWithTestServer('end right when a watch breaks in the middle of a line', async () => {
    await begin();
    site.server.misbehaviour.dropWatches();
    await endWell();
  });

  itWithTestServer('end right when a watch breaks again and again', async () => {
    await begin();
    const breaking = setInterval(() => site.server.misbehaviour.dropWatches(), 50);
    try {
      await endWell();
    } finally {
      clearInterval(breaking);
    }
  });

  itWithTestServer('end right when a right was taken away for a while, which the executor says', async () => {
    const unready = () => executor.health.unreadyParts();
    await begin();
    expect(await unready()).toEqual([]);
    for (const verb of ['watch', 'list']) {
      const path = verb === 'watch' ? /watch=true/ : /pods\?labelSelector=(?!.*watch=true)/;
      site.server.misbehaviour.forbid(verb, podsResource, 'runs', { method: 'GET', path, times: Infinity });
    }
    site.server.misbehaviour.dropWatches();
    await waitFor(async () => (await unready()).length > 0, { describe: 'the executor to be unready' });
    expect(await unready()).toEqual([
      {
        name: 'executor cluster',
        reason: expect.stringMatching(/could not be watched: .* cannot watch resource/) as string,
      },
    ]);
    site.server.misbehaviour.requests.clear();
    await endWell();
    expect(await unready()).toEqual([]);
  });

  itWithTestServer('end right when a watch is open and silent', async () => {
    await begin();
    site.server.misbehaviour.silenceWatches();
    await endWell();
  });

  itWithTestServer('end right when all that the watch could go on from has expired', async () => {
    await begin();
    await whileNobodyWatches(async () => {
      await gate.open();
      await allHaveEnded();
      site.server.misbehaviour.expireVersions();
    });
    await endWell();
    expect(site.server.requestCounts['list pods']).toBe(2);
  });

  itWithTestServer('end right when the server was away while they ended', async () => {
    await begin();
    await site.server.goDown();
    await gate.open();
    await allHaveEnded();
    await site.server.comeBack();
    await endWell();
  });

  itWithTestServer('end right when lists are behind: that a pod is not in one says nothing', async () => {
    site.server.misbehaviour.freezeLists();
    await begin();
    await whileNobodyWatches(async () => {
      await gate.open();
      await allHaveEnded();
      site.server.misbehaviour.expireVersions();
    });
    // The old list can be watched from as little: it is not asked for in a loop.
    await waitFor(() => (site.server.requestCounts['list pods'] ?? 0) > 2, { describe: 'more lists' });
    expect(site.server.requestCounts['list pods']).toBeLessThan(10);
    site.server.misbehaviour.calm();
    await endWell();
  });

  itWithTestServer('end right while it cannot be found out whether another pod is gone', async () => {
    await begin();
    const [vanished, ...others] = site.server.pods('runs');
    if (vanished === undefined) throw new Error('Expected pods');
    const isOfVanished = ({ runId }: Watched) => runId === vanished.metadata.annotations?.['ryax.tech/run'];
    await whileNobodyWatches(() => {
      site.server.store.remove(podsResource, vanished);
      site.server.misbehaviour.expireVersions();
      return Promise.resolve();
    });
    site.server.misbehaviour.fail({ path: new RegExp(`/${vanished.metadata.name}$`), times: Infinity });
    await gate.open();
    const remaining = attempts.filter((attempt) => !isOfVanished(attempt));
    expect(remaining).toHaveLength(others.length);
    for (const attempt of remaining) expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });

    site.server.misbehaviour.calm();
    const lost = { status: 'failed', failure: { kind: 'lost' } };
    expect(await attempts.find(isOfVanished)?.outcome()).toMatchObject(lost);
  });

  itWithTestServer('are lost when their pods have vanished while the server was away', async () => {
    await begin();
    await site.server.goDown();
    for (const pod of site.server.pods('runs')) site.server.store.remove(podsResource, pod);
    await site.server.comeBack();
    for (const attempt of attempts) {
      expect(await attempt.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
    }
  });
});

describe('an executor that cannot follow its pods any more', () => {
  afterEach(() => jest.restoreAllMocks());

  it(
    'says that only a restart helps',
    async () => {
      jest.spyOn(KnownPods.prototype, 'follow').mockImplementation((_signal, listed) => {
        listed();
        return Promise.reject(new Error('a fault of ours'));
      });
      const site = await TestSite.open();
      try {
        const { health } = await site.executor();
        await waitFor(() => health.deadParts().length > 0, { describe: 'its health to be told' });
        expect(health.deadParts()).toEqual([{ name: 'follow pods', reason: 'a fault of ours' }]);
      } finally {
        await site.close();
      }
    },
    specMs,
  );
});
