import { ExecutorFixture, noopOf, sleepOf, startOf } from './testing/executor-fixture';
import { settle } from './testing/virtual-time';

const oneSlot = { capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } };

describe('shutdown of an executor', () => {
  it('gives back what waits and what still comes, and offers nothing with its next beat', async () => {
    const executor = await ExecutorFixture.started(oneSlot);
    await executor.deliverStarts(startOf('runs'), startOf('waits'));
    await executor.executor.stopTaking();
    await settle();
    expect(executor.reported('waits')).toEqual(['returned']);
    await executor.deliverStarts(startOf('late'));
    expect(executor.reported('late')).toEqual(['returned']);
    expect(executor.launcher.launched).toEqual(['runs']);
    expect(executor.beats.at(-1)?.pools).toEqual([
      expect.objectContaining({ slots: 0, free: { slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 } }),
    ]);
  });

  it('lets what runs finish, and waits until it is settled', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.executor.stopTaking();
    const finished = jest.fn();
    const done = executor.executor.finish().then(finished);
    executor.launcher.work('a').end();
    await executor.time.advance(1_000);
    expect(executor.reported('a')).toEqual(['ended succeeded']);
    expect(finished).not.toHaveBeenCalled();
    await executor.settle(startOf('a'));
    await done;
    expect(executor.launcher.works[0]?.cancels).toEqual([]);
    expect(executor.launcher.closed).toBe(true);
  });

  it('stops what does not finish in time, and reports it as lost: nobody has cancelled it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'), sleepOf('b', 3600));
    await executor.executor.stopTaking();
    const done = executor.executor.finish();
    await executor.time.advance(10_000);
    expect(executor.launcher.work('a').cancels).toEqual(['asked']);
    executor.launcher.work('a').end({ status: 'cancelled' });
    await executor.time.advance(10_000);
    await done;
    expect(executor.reported('a').at(-1)).toBe('ended failed lost');
    expect(executor.reported('b').at(-1)).toBe('ended failed lost');
  });

  it('keeps a cancel that was asked for before', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.cancel(startOf('a'));
    await executor.stop();
    expect(executor.reported('a').at(-1)).toBe('ended cancelled');
  });

  it('kills what does not stop either, in time', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.stop();
    expect(executor.reported('a').at(-1)).toBe('ended failed lost');
    expect(executor.launcher.closed).toBe(true);
  });

  it('ends although its launcher never says what became of its work', async () => {
    const executor = await ExecutorFixture.started();
    executor.launcher.close = () => Promise.resolve();
    await executor.deliverStarts(startOf('a'));
    await executor.stop();
    expect(executor.time.alarms).toBe(0);
  });

  it('ends although nobody settles its outcomes', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('a'));
    await executor.stop();
    expect(executor.lines.join()).toContain('left unsettled');
  });

  it('ends although the broker was never there', async () => {
    const executor = new ExecutorFixture((await ExecutorFixture.started()).settings);
    executor.broker.isThere = false;
    executor.executor.start();
    await executor.stop();
    expect(executor.time.alarms).toBe(0);
  });

  it('ends although the broker went before starts could be taken, and takes none when it is back', async () => {
    const executor = new ExecutorFixture((await ExecutorFixture.started()).settings);
    executor.answersBeats = false;
    executor.executor.start();
    await settle();
    executor.broker.isThere = false;
    executor.answersBeats = true;
    await executor.time.advance(1_000);
    await executor.stop();
    executor.broker.comeBack();
    await settle();
    expect(executor.broker.isConsumed(executor.startQueue)).toBe(false);
  });

  it('leaves nothing behind: no timer, no queue, no health check', async () => {
    const executor = await ExecutorFixture.started();
    await executor.stop();
    expect(executor.time.alarms).toBe(0);
    expect(executor.broker.forgotten).toEqual([executor.startQueue, executor.ownQueue]);
    expect(await executor.health.unreadyParts()).toEqual([]);
  });
});

describe('readiness and figures of an executor', () => {
  it('is ready while the broker is connected and a runner answers', async () => {
    const executor = await ExecutorFixture.started();
    expect(await executor.health.unreadyParts()).toEqual([]);
    executor.answersBeats = false;
    executor.broker.connected = false;
    await executor.time.advance(6_000);
    expect((await executor.health.unreadyParts()).map(({ name }) => name)).toEqual([
      'executor broker',
      'executor lease',
    ]);
  });

  it('counts starts by what became of them and outcomes by kind, and shows what it holds', async () => {
    const executor = await ExecutorFixture.started(oneSlot);
    await executor.deliverStarts(startOf('a'), startOf('b'), noopOf('c'), startOf('d', { resources: { gpu: 1 } }));
    const text = await executor.metrics.registry.metrics();
    expect(text).toContain('ryax_executor_running 1');
    expect(text).toContain('ryax_executor_waiting 1');
    expect(text).toContain('ryax_executor_slots_free 0');
    expect(text).toContain('ryax_executor_unsettled 2');
    expect(text).toContain('ryax_executor_starts_total{result="spawned"} 2');
    expect(text).toContain('ryax_executor_starts_total{result="rejected"} 1');
    expect(text).toContain('ryax_executor_outcomes_total{outcome="succeeded"} 1');
    expect(text).toContain('ryax_executor_outcomes_total{outcome="rejected"} 1');
    expect(text).toContain('ryax_executor_taken_to_spawned_seconds_count 1');
  });
});
