import { PublishError } from '@ryax/broker';
import { exchanges } from '@ryax/contracts';
import { ExecutorFixture, noopOf, startOf } from './testing/executor-fixture';
import { settle } from './testing/virtual-time';

const refusal = new PublishError('disconnected', { exchange: '', routingKey: '' }, 'no connection');

describe('attempts: taken, reported, settled', () => {
  it('no message stays unacknowledged while its work runs', async () => {
    const executor = await ExecutorFixture.started();
    const [delivery] = await executor.deliverStarts(startOf('a'));
    expect(delivery?.settled).toBe('acknowledged');
    expect(executor.reports).toEqual([]);
  });

  it('hands the launcher what the start says', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a', { inputs: { x: 1 }, resources: { cpu: 1 }, timeout_ms: 9 }));
    expect(executor.launcher.work('a').launch).toEqual({
      project: 'default',
      runId: 'r1',
      workflowId: 'w1',
      execution: 'a',
      attempt: 1,
      action: { type: 'handler', content_hash: `sha256:${'0'.repeat(64)}` },
      inputs: { x: 1 },
      resources: { cpu: 1 },
      timeoutMs: 9,
      origin: { replyPartition: 3, since: null, traceparent: undefined },
    });
  });

  it('reports the end with outcome and duration, to the partition and in the trace of the start', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a', { reply_partition: 7, traceparent: '00-ab-cd-01' }));
    executor.launcher.work('a').end({ status: 'succeeded', outputs: { y: 2 } }, 42);
    await settle();
    const [pack] = executor.reportPacks;
    expect(pack?.target).toEqual({ exchange: exchanges.runner.name, routingKey: 'p7' });
    expect(pack?.messages).toEqual([
      expect.objectContaining({
        type: 'execution.report',
        subject: 'run:default:r1',
        traceparent: '00-ab-cd-01',
        data: {
          report: 'ended',
          run_id: 'r1',
          execution: 'a',
          attempt: 1,
          executor: 'host-1',
          incarnation: executor.executor.incarnation,
          outcome: { status: 'succeeded', outputs: { y: 2 } },
          duration_ms: 42,
        },
      }),
    ]);
  });

  it('says that an attempt has started only if it still runs after a while', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('short'), startOf('long'));
    await executor.time.advance(99);
    executor.launcher.work('short').end();
    await executor.time.advance(100);
    expect(executor.reported('short')).toEqual(['ended succeeded']);
    expect(executor.reports).toContainEqual(
      expect.objectContaining({ execution: 'long', report: 'started', started_ms_ago: 100 }),
    );
  });

  it('a duplicate start spawns once and is answered by who holds it', async () => {
    const executor = await ExecutorFixture.started({ capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } });
    await executor.deliverStarts(startOf('runs'), startOf('runs'), startOf('waits'), startOf('waits'));
    expect(executor.launcher.launched).toEqual(['runs']);
    expect(executor.reported('runs')).toEqual(['holding']);
    expect(executor.reported('waits')).toEqual(['holding']);
  });

  it('a start that the broker delivers again is left to the runner: another executor may have taken it', async () => {
    const executor = await ExecutorFixture.started();
    const delivery = await executor.redeliver(startOf('a'));
    expect(executor.launcher.launched).toEqual([]);
    expect(executor.reports).toEqual([]);
    expect(delivery?.settled).toBe('acknowledged');
    await executor.query(startOf('a'));
    await executor.deliverStarts(startOf('a'));
    expect(executor.launcher.launched).toEqual(['a']);
  });

  it('an attempt that it has called unknown is not taken by a start that is older than the question', async () => {
    const executor = await ExecutorFixture.started();
    await executor.queryAt(5_000, startOf('a'));
    await executor.deliverSince(4_999, startOf('a'));
    expect(executor.launcher.launched).toEqual([]);
    expect(executor.reported('a')).toEqual(['unknown']);
    await executor.deliverSince(5_000, startOf('a'));
    expect(executor.launcher.launched).toEqual(['a']);
  });

  it('a copy of a start that it has given back is not taken; the start that is sent after that is', async () => {
    const executor = await ExecutorFixture.started();
    executor.time.freeze(60_000);
    await executor.deliverSince(5_000, startOf('a'));
    expect(executor.reported('a')).toEqual(['returned']);
    await executor.time.advance(1_000);
    await executor.deliverSince(5_000, startOf('a'));
    expect(executor.launcher.launched).toEqual([]);
    await executor.deliverSince(5_001, startOf('a'));
    expect(executor.launcher.launched).toEqual(['a']);
  });

  it('a start that the broker delivers again to its holder is answered by it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.redeliver(startOf('a'));
    expect(executor.reported('a')).toEqual(['holding']);
  });

  it('a duplicate start of an unsettled attempt repeats its outcome', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    executor.launcher.work('a').end();
    await settle();
    await executor.deliverStarts(startOf('a'));
    expect(executor.launcher.launched).toEqual(['a']);
    expect(executor.reported('a')).toEqual(['ended succeeded', 'ended succeeded']);
  });

  it('a late duplicate of a settled attempt starts nothing', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('a'));
    await executor.settle(noopOf('a'));
    await executor.deliverStarts(noopOf('a'));
    expect(executor.reported('a')).toEqual(['ended succeeded']);
  });

  it('a settled attempt that was called unknown since may start again: the log was restored', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('a'));
    await executor.settle(noopOf('a'));
    await executor.query(noopOf('a'));
    await executor.deliverStarts(noopOf('a'));
    expect(executor.reported('a')).toEqual(['ended succeeded', 'unknown', 'ended succeeded']);
  });

  it('a copy of a start that has run is not taken, whatever was settled and asked about in between', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverSince(5_000, noopOf('a'));
    await executor.settle(noopOf('a'));
    await executor.queryAt(5_000, noopOf('a'));
    await executor.deliverSince(5_000, noopOf('a'));
    expect(executor.reported('a')).toEqual(['ended succeeded', 'unknown']);
    await executor.deliverSince(5_001, noopOf('a'));
    expect(executor.reported('a')).toEqual(['ended succeeded', 'unknown', 'ended succeeded']);
  });

  it('another attempt of the same execution is another matter', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'), startOf('a', { attempt: 2 }), startOf('a', { run_id: 'r2' }));
    expect(executor.launcher.works.map(({ launch }) => [launch.runId, launch.attempt])).toEqual([
      ['r1', 1],
      ['r1', 2],
    ]);
  });

  it('an attempt ends even when its launcher breaks its promise', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    executor.launcher.work('a').break(new Error('no more pids'));
    await settle();
    expect(executor.reported('a')).toEqual(['ended failed lost']);
  });

  it('stops what is closed in the log, and reports nothing of it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    await executor.settle(startOf('a'));
    expect(executor.launcher.work('a').cancels).toEqual(['asked']);
    executor.launcher.work('a').end({ status: 'cancelled' });
    await executor.time.advance(60_000);
    expect(executor.reported('a')).toEqual([]);
  });
});

describe('outcomes that nobody has settled', () => {
  it('are repeated with growing pauses until somebody does', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('a'));
    const at: number[] = [];
    for (let second = 1; second <= 40; second++) {
      const before = executor.reports.length;
      await executor.time.advance(1_000);
      if (executor.reports.length > before) at.push(second);
    }
    expect(at).toEqual([5, 15, 35]);
    await executor.settle(noopOf('a'));
    await executor.time.advance(120_000);
    expect(executor.reported('a')).toHaveLength(4);
  });

  it('what one runner settles says nothing of an older attempt that another has not', async () => {
    const executor = await ExecutorFixture.started();
    const [a, b] = [noopOf('a', { reply_partition: 1 }), noopOf('b', { reply_partition: 2 })];
    await executor.deliverStarts(a);
    await executor.deliverStarts(b);
    await executor.settle(b);
    await executor.time.advance(5_000);
    expect(executor.reported('a')).toEqual(['ended succeeded', 'ended succeeded']);
    expect(executor.reported('b')).toEqual(['ended succeeded']);
    await executor.query(a, b);
    expect(executor.reported('a').at(-1)).toBe('ended succeeded');
    expect(executor.reported('b').at(-1)).toBe('unknown');
  });

  it('are repeated at once after a reconnect, together with what runs', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(noopOf('ended'), startOf('running'));
    executor.broker.reconnect();
    await settle();
    expect(executor.reported('ended')).toEqual(['ended succeeded', 'ended succeeded']);
    expect(executor.reported('running')).toEqual(['holding']);
  });

  it('are kept while the broker is away, and leave once', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'), startOf('b'));
    executor.broker.confirms = refusal;
    executor.launcher.work('b').end();
    await executor.time.advance(1_000);
    executor.launcher.work('a').end();
    await executor.time.advance(20_000);
    executor.broker.confirms = 'at-once';
    executor.broker.reconnect();
    await settle();
    const ends = executor.reports.filter(({ report }) => report === 'ended').map(({ execution }) => execution);
    expect(ends).toEqual(['b', 'a']);
  });

  it('keep new starts away when there are too many', async () => {
    const executor = await ExecutorFixture.started({ unsettledLimit: 2 });
    await executor.deliverStarts(noopOf('a'), noopOf('b'), noopOf('c'));
    expect(executor.reported('c')).toEqual(['returned']);
    await executor.settle(noopOf('a'));
    await executor.deliverStarts(noopOf('c'));
    expect(executor.reported('c')).toEqual(['returned', 'ended succeeded']);
  });

  it('are forgotten after a day, and somebody is told', async () => {
    const executor = await ExecutorFixture.started({ forgetAfterMs: 10_000 });
    await executor.deliverStarts(noopOf('a'));
    await executor.time.advance(12_000);
    await executor.query(noopOf('a'));
    expect(executor.reported('a').at(-1)).toBe('unknown');
    expect(executor.lines.join()).toContain('forgotten');
  });
});
