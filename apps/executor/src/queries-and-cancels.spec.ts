import { ExecutorFixture, noopOf, sleepOf, startOf } from './testing/executor-fixture';
import { settle } from './testing/virtual-time';

describe('query: who has it?', () => {
  it('says that it holds what runs and what waits', async () => {
    const executor = await ExecutorFixture.started({ capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } });
    await executor.deliverStarts(startOf('runs'), startOf('waits'));
    await executor.query(startOf('runs'), startOf('waits'));
    expect(executor.reported('runs')).toEqual(['holding']);
    expect(executor.reported('waits')).toEqual(['holding']);
  });

  it('repeats the outcome of an unsettled attempt when asked, to the partition that asks', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('a', { reply_partition: 1 }));
    await executor.query(noopOf('a', { reply_partition: 2 }));
    expect(executor.reported('a')).toEqual(['ended succeeded', 'ended succeeded']);
    expect(executor.reportPacks.map(({ target }) => target.routingKey)).toEqual(['p1', 'p2']);
  });

  it('answers unknown for what it never had', async () => {
    const executor = await ExecutorFixture.started();
    await executor.query(startOf('a'));
    expect(executor.reported('a')).toEqual(['unknown']);
  });

  it('says which start it answers, and which question', async () => {
    const executor = await ExecutorFixture.started({ capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } });
    await executor.deliverSince(1_000, startOf('held'));
    await executor.deliverSince(2_000, startOf('held'));
    await executor.queryAt(3_000, startOf('held'));
    await executor.queryAt(4_000, startOf('never seen'));
    executor.time.freeze(60_000);
    await executor.deliverSince(5_000, startOf('late'));
    expect(executor.answers).toMatchObject([
      { execution: 'held', answer: 'holding', since: 1_000, asked_at: null },
      { execution: 'held', answer: 'holding', since: 1_000, asked_at: 3_000 },
      { execution: 'never seen', answer: 'unknown', asked_at: 4_000 },
      { execution: 'late', answer: 'returned', since: 5_000 },
    ]);
  });

  it('says of what it is not told since when it is meant that it does not know it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('held'));
    await executor.query(startOf('held'), startOf('never seen'));
    expect(executor.answers).toMatchObject([
      { answer: 'holding', since: null, asked_at: null },
      { answer: 'unknown', asked_at: null },
    ]);
  });

  it('a killed executor comes back as another one, which knows nothing', async () => {
    const killed = await ExecutorFixture.started();
    await killed.deliverStarts(startOf('a'));
    const successor = await ExecutorFixture.started();
    await successor.query(startOf('a'));
    expect(successor.reported('a')).toEqual(['unknown']);
    expect(successor.executor.incarnation).not.toBe(killed.executor.incarnation);
  });
});

describe('cancel', () => {
  it('asks what runs to stop, kills it when forced, and reports how it ended', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.cancel(startOf('a'));
    expect(executor.launcher.work('a').cancels).toEqual(['asked']);
    expect(executor.reported('a')).toEqual([]);
    await executor.cancel(startOf('a'), true);
    expect(executor.reported('a')).toEqual(['ended cancelled']);
  });

  it('does not hide that it succeeded before the cancel reached it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.cancel(startOf('a'));
    executor.launcher.work('a').end({ status: 'succeeded', outputs: {} });
    await settle();
    expect(executor.reported('a')).toEqual(['ended succeeded']);
  });

  it('ends at once what still waits', async () => {
    const executor = await ExecutorFixture.started({ capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } });
    await executor.deliverStarts(startOf('a'), startOf('b'));
    await executor.cancel(startOf('b'));
    executor.launcher.work('a').end();
    await settle();
    expect(executor.launcher.launched).toEqual(['a']);
    expect(executor.reported('b')).toEqual(['ended cancelled']);
  });

  it('ends a sleep at once', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(sleepOf('a', 3600));
    await executor.cancel(sleepOf('a', 3600));
    expect(executor.reported('a')).toEqual(['ended cancelled']);
  });

  it('repeats the outcome of what has ended', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('a'));
    await executor.cancel(noopOf('a'));
    expect(executor.reported('a')).toEqual(['ended succeeded', 'ended succeeded']);
  });

  it('says nothing of a start that the broker delivers again: its holder was told, too', async () => {
    const executor = await ExecutorFixture.started();
    await executor.cancel(startOf('a'));
    await executor.redeliver(startOf('a'));
    expect(executor.reported('a')).toEqual([]);
  });

  it('is not answered by who does not know the attempt: nothing was promised that could confirm it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.cancel(startOf('a'));
    expect(executor.answers).toEqual([]);
  });

  it('that overtakes its start is remembered: the start ends cancelled, and nothing is spawned', async () => {
    const executor = await ExecutorFixture.started();
    await executor.cancel(startOf('a'));
    await executor.deliverStarts(startOf('a'));
    expect(executor.launcher.launched).toEqual([]);
    expect(executor.reported('a')).toEqual(['ended cancelled']);
  });
});
