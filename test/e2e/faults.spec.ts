import { useBreakableBroker, useTestDatabase } from '@ryax/testing';
import { Engine, expectSoundHistory, serviceNames } from './engine';

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

  it('stops in order, each process with status 0', async () => {
    for (const name of serviceNames) expect(await engine.process(name).stop()).toBe(0);
  }, 120_000);
});
