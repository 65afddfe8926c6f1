import { partitionOf, streamId } from '@ryax/contracts';
import { useBreakableBroker, useTestDatabase, waitFor } from '@ryax/testing';
import { Engine, expectSoundHistory, serviceNames, type Runner } from './engine';

/** A fan whose executions take long enough for something to happen in their middle, and a join that sees all of them. */
const fan = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'fan',
    trigger: { kind: 'manual', outputs: [{ name: 'count', type: 'json' }] },
    actions: [
      {
        id: 'nap',
        action: 'core/sleep',
        for_each: { in: '=trigger.count', concurrency: 6 },
        inputs: { seconds: 0.4 },
      },
      { id: 'echo', action: 'core/noop', for_each: '=trigger.count', inputs: { value: '=item' }, after: ['nap'] },
      { id: 'join', action: 'core/noop', inputs: { values: '=echo.map(e, e.value)' } },
    ],
    results: { values: '=join.values' },
  },
};
/** Moves once a second, and for longer than it takes to start several on both sides and to stop a runner in their middle. */
const naps = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'naps',
    trigger: { kind: 'manual' },
    actions: [
      {
        id: 'nap',
        action: 'core/sleep',
        for_each: { in: Array.from({ length: 30 }, (_, index) => index), concurrency: 1 },
        inputs: { seconds: 1 },
      },
    ],
  },
};
const partitionCount = 16;
/** How long a partition may stand still at most, whatever has become of its runner. */
const stalledPartitionMs = 20_000;
const numbers = Array.from({ length: 24 }, (_, index) => index);

describe('the engine as four processes', () => {
  const broker = useBreakableBroker();
  const database = useTestDatabase();
  const engine = new Engine({ brokerUrl: () => broker.url, datastoreUrl: () => database.url });

  beforeAll(() => engine.startAll(), 120_000);

  async function startAndReachTheMiddle(): Promise<string> {
    const runId = await engine.execute(fan, { count: numbers });
    await engine.waitForEvents(runId, 'ExecutionSucceeded', 4);
    return runId;
  }

  async function expectEndAsIfNothingHadHappened(runId: string): Promise<void> {
    expect(await engine.waitForEnd(runId)).toBe('succeeded');
    expect(await engine.results(runId)).toEqual({ values: numbers });
    expectSoundHistory(await engine.history(runId));
  }

  const shared = (runners: readonly Runner[]) =>
    waitFor(
      async () => {
        const owned = await Promise.all(runners.map(({ partitions }) => partitions()));
        return owned.every((count) => count > 0) && owned.reduce((sum, count) => sum + count, 0) === partitionCount;
      },
      { timeoutMs: 60_000, describe: 'all runners to own partitions, and each partition to be owned once' },
    );

  /** Runs in partitions of this runner, and of the other. */
  async function runsOfBoth({ process }: Runner): Promise<string[]> {
    const owned = JSON.parse(/.*"partitions":(\[[\d,]+\])/s.exec(process.output)?.[1] ?? '[]') as number[];
    const runs = { its: [] as string[], others: [] as string[] };
    while (runs.its.length < 3 || runs.others.length < 3) {
      const runId = await engine.execute(naps);
      const isIts = owned.includes(partitionOf(streamId('run', 'default', runId), partitionCount));
      runs[isIts ? 'its' : 'others'].push(runId);
    }
    return [...runs.its, ...runs.others];
  }

  it('runs a workflow to its end', async () => {
    await expectEndAsIfNothingHadHappened(await startAndReachTheMiddle());
  }, 120_000);

  it.each(serviceNames)(
    'ends a run as it would have, after kill -9 of the %s in its middle',
    async (name) => {
      const runId = await startAndReachTheMiddle();
      await engine.killAndRestart(name);
      await expectEndAsIfNothingHadHappened(runId);
    },
    180_000,
  );

  it('ends a run as it would have, after every queue was purged in its middle', async () => {
    const runId = await startAndReachTheMiddle();
    await broker.purgeAllQueues();
    await expectEndAsIfNothingHadHappened(runId);
  }, 180_000);

  it('ends a run as it would have, after RabbitMQ was restarted in its middle', async () => {
    const runId = await startAndReachTheMiddle();
    await broker.restart();
    await expectEndAsIfNothingHadHappened(runId);
  }, 240_000);

  it('a runner that is stopped gives its partitions up within 20 s, and waking up changes nothing', async () => {
    const runners = [engine.firstRunner, await engine.startSecondRunner()] as const;
    const [, victim] = runners;
    await shared(runners);
    const runs = await runsOfBoth(victim);
    for (const runId of runs) await engine.waitForEvents(runId, 'ExecutionSucceeded', 1);
    await victim.process.pause();
    const stoppedAt = performance.now();
    const seen = new Map<string, number>();
    for (const runId of runs) seen.set(runId, (await engine.history(runId)).length);

    const standing = new Set(runs);
    await waitFor(
      async () => {
        for (const runId of standing) {
          if ((await engine.history(runId)).length > (seen.get(runId) ?? 0)) standing.delete(runId);
        }
        return standing.size === 0;
      },
      {
        timeoutMs: stalledPartitionMs - (performance.now() - stoppedAt),
        describe: () => `all runs to move, stood still: ${[...standing].join(', ')}`,
      },
    );
    victim.process.resume();

    for (const runId of runs) expect(await engine.waitForEnd(runId)).toBe('succeeded');
    for (const runId of runs) expectSoundHistory(await engine.history(runId));
    await shared(runners);
    expect(await victim.process.stop()).toBe(0);
  }, 240_000);

  it('stops in order, each process with status 0', async () => {
    for (const name of serviceNames) expect(await engine.process(name).stop()).toBe(0);
  }, 120_000);
});
