import type { Prewarm } from '@ryax/contracts';
import { ExecutorFixture, startOf } from './testing/executor-fixture';
import { FakeKept, FakeLauncher } from './testing/fake-launcher';

const wanted: Prewarm = {
  project: 'default',
  handlers: [{ content_hash: `sha256:${'0'.repeat(64)}`, resources: { cpu: 1 } }],
};
const oneSlot = { capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } };

function keysOf({ broker, ownQueue }: ExecutorFixture): (string | undefined)[] {
  const bindings = broker.declared.filter(({ name }) => name === ownQueue).flatMap((queue) => queue.bindings);
  return bindings.map(({ routingKey }) => routingKey.split('.')[0]);
}

describe('what is to be made warm ahead', () => {
  it('is passed on to a launcher that does so, and otherwise not even heard', async () => {
    const launcher = new FakeLauncher(undefined, true);
    const executor = await ExecutorFixture.started({}, launcher);
    await executor.say('executor.prewarm', wanted);
    expect(launcher.wanted).toEqual([wanted]);
    expect(keysOf(executor)).toContain('prewarm');
    expect(keysOf(await ExecutorFixture.started())).toEqual(['cancel', 'query', 'executor']);
  });

  it('may be made while nothing waits for room', async () => {
    const { kept, executor, launcher } = await keeping();
    expect(kept.keeper?.mayMakeAhead()).toBe(true);
    await executor.deliverStarts(startOf('runs'), startOf('waits'));
    expect(kept.keeper?.mayMakeAhead()).toBe(false);
    launcher.work('runs').end();
    await executor.time.advance(10);
    expect(kept.keeper?.mayMakeAhead()).toBe(true);
  });

  it('may not be made by an executor that leaves, or that no runner answers', async () => {
    const silent = await keeping();
    silent.executor.answersBeats = false;
    await silent.executor.time.advance(60_000);
    const leaving = await keeping();
    await leaving.executor.executor.stopTaking();
    expect([silent, leaving].map(({ kept }) => kept.keeper?.mayMakeAhead())).toEqual([false, false]);
  });
});

async function keeping() {
  const kept = new FakeKept();
  const launcher = new FakeLauncher(kept, true);
  return { kept, launcher, executor: await ExecutorFixture.started(oneSlot, launcher) };
}
