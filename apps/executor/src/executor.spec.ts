import { PublishError } from '@ryax/broker';
import { exchanges } from '@ryax/contracts';
import { ExecutorFixture, noopOf, sleepOf, startOf } from './testing/executor-fixture';
import { settle } from './testing/virtual-time';

const refusal = new PublishError('disconnected', { exchange: '', routingKey: '' }, 'no connection');

describe('lease: who may spawn', () => {
  it('takes no start before a runner has answered a beat', async () => {
    const executor = new ExecutorFixture((await ExecutorFixture.started()).settings);
    executor.answersBeats = false;
    executor.executor.start();
    await settle();
    await executor.deliverStarts(startOf('a'));
    expect(executor.broker.isConsumed(executor.startQueue)).toBe(false);

    executor.answersBeats = true;
    await executor.time.advance(1_000);
    expect(executor.launcher.launched).toEqual(['a']);
  });

  it('a start that lay unread for an hour starts nothing', async () => {
    const executor = await ExecutorFixture.started();
    executor.time.freeze(60 * 60 * 1000);
    const [delivery] = await executor.deliverStarts(startOf('a'));
    expect(executor.launcher.launched).toEqual([]);
    expect(executor.answers).toEqual([expect.objectContaining({ execution: 'a', answer: 'returned' })]);
    expect(delivery?.settled).toBe('acknowledged');
  });

  it('an answer that lay unread for an hour gives no lease', async () => {
    const executor = await ExecutorFixture.started();
    const sent = executor.beats.at(-1)?.sent ?? 0;
    executor.time.freeze(60 * 60 * 1000);
    await executor.say('executor.beat-answer', { sent, incarnations: [] });
    await executor.deliverStarts(startOf('a'));
    expect(executor.reported('a')).toEqual(['returned']);
  });

  it('an answer to a beat that was not sent yet gives no lease', async () => {
    const executor = await ExecutorFixture.started();
    executor.answersBeats = false;
    await executor.say('executor.beat-answer', { sent: Number.MAX_VALUE, incarnations: [] });
    await executor.time.advance(6_000);
    await executor.deliverStarts(startOf('a'));
    expect(executor.reported('a')).toEqual(['returned']);
  });

  it('a start that waited for room is given back when the lease has ended meanwhile', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'), startOf('b'), startOf('c'));
    executor.time.freeze(6_000);
    executor.launcher.work('a').end();
    await settle();
    expect(executor.launcher.launched).toEqual(['a', 'b']);
    expect(executor.reported('c')).toEqual(['returned']);
  });

  it('without a lease not even a start that would have to wait is kept', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'), startOf('b'));
    executor.time.freeze(6_000);
    await executor.deliverStarts(startOf('c'), startOf('too large', { resources: { cpu: 64 } }));
    expect(executor.reported('c')).toEqual(['returned']);
    expect(executor.reported('too large')).toEqual(['returned']);
  });

  it('the validity is the one that the start brings', async () => {
    const executor = await ExecutorFixture.started();
    executor.time.freeze(3_000);
    await executor.deliverStarts(startOf('short', { valid_for_ms: 2_000 }), startOf('long', { valid_for_ms: 4_000 }));
    expect(executor.launcher.launched).toEqual(['long']);
    expect(executor.reported('short')).toEqual(['returned']);
  });

  it('spawns again once a runner answers again, and says what it held all the time', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('held'));
    executor.time.freeze(60_000);
    await executor.time.advance(1_000);
    expect(executor.reported('held')).toEqual(['started', 'holding']);
    await executor.deliverStarts(startOf('a'));
    expect(executor.launcher.launched).toEqual(['held', 'a']);
  });
});

describe('a runner that is gone', () => {
  it('is noticed once, and when it is back', async () => {
    const executor = await ExecutorFixture.started();
    executor.answersBeats = false;
    await executor.time.advance(20_000);
    expect(executor.lines.filter((line) => line.includes('No runner answers any more'))).toHaveLength(1);
    executor.answersBeats = true;
    await executor.time.advance(1_000);
    await executor.deliverStarts(noopOf('a'));
    expect(executor.reported('a')).toEqual(['ended succeeded']);
  });
});

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

describe('resource pool of an executor', () => {
  it('small work passes a large one that does not fit yet', async () => {
    const executor = await ExecutorFixture.started({ capacity: { slots: 8, cpu: 4, memory_bytes: 1000, gpu: 0 } });
    const large = startOf('large', { resources: { cpu: 4 } });
    await executor.deliverStarts(startOf('first', { resources: { cpu: 1 } }), large, startOf('small'));
    expect(executor.launcher.launched).toEqual(['first', 'small']);
    executor.launcher.work('first').end();
    await settle();
    expect(executor.launcher.launched).toEqual(['first', 'small', 'large']);
  });

  it('fails at once what can never fit, and names what it asked and what there is', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a', { resources: { cpu: 64, gpu: 1 } }));
    expect(executor.reports).toEqual([
      expect.objectContaining({
        outcome: {
          status: 'failed',
          failure: {
            kind: 'rejected',
            message:
              'It asks more than the pool default can ever give: cpu 64 where it has cpu 4, gpu 1 where it has gpu 0',
            details: { cpu: { asked: 64, available: 4 }, gpu: { asked: 1, available: 0 } },
          },
        },
        duration_ms: null,
      }),
    ]);
  });

  it('gives back what comes on top of those that may wait', async () => {
    const poolRules = { waitingLimit: 1, overtakingLimit: 3, reserveAfterMs: 5_000, patienceMs: 10_000 };
    const executor = await ExecutorFixture.started({ poolRules });
    await executor.deliverStarts(startOf('a'), startOf('b'), startOf('c'), startOf('d'));
    expect(executor.reported('c')).toEqual([]);
    expect(executor.reported('d')).toEqual(['returned']);
  });

  it('gives back what has waited for long: another executor may have room', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'), startOf('b'), startOf('c'));
    await executor.time.advance(11_000);
    expect(executor.reported('c')).toEqual(['returned']);
  });

  it('says with each beat what is free', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a', { resources: { cpu: 1.5, memory_bytes: 300 } }));
    await executor.time.advance(1_000);
    expect(executor.beats.at(-1)).toMatchObject({
      site: 'local',
      pools: [
        {
          name: 'default',
          slots: 2,
          cpu: 4,
          memory_bytes: 1000,
          gpu: 0,
          free: { slots: 1, cpu: 2.5, memory_bytes: 700, gpu: 0 },
        },
      ],
    });
  });

  it('beats each second, and not while the broker has not taken the beat before', async () => {
    const executor = await ExecutorFixture.started();
    await executor.time.advance(3_000);
    expect(executor.beats).toHaveLength(4);
    executor.broker.confirms = 'never';
    await executor.time.advance(5_000);
    expect(executor.beats).toHaveLength(5);
  });
});

describe('built-ins', () => {
  it('noop gives back its inputs, references and all', async () => {
    const executor = await ExecutorFixture.started();
    const inputs = { x: [1, 'two', null], file: { $secret: 'f'.repeat(64) } };
    await executor.deliverStarts(noopOf('a', { inputs }));
    expect(executor.reports).toEqual([
      expect.objectContaining({ outcome: { status: 'succeeded', outputs: inputs }, duration_ms: 0 }),
    ]);
  });

  it('the reports of one batch leave as one message for each partition', async () => {
    const executor = await ExecutorFixture.started();
    const starts = Array.from({ length: 100 }, (_, n) => noopOf(`a.${n}`, { reply_partition: n % 2 }));
    await executor.deliverStarts(...starts);
    expect(executor.reportPacks.map(({ messages }) => messages.length)).toEqual([50, 50]);
  });

  it('noop refuses inputs that no event could hold', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(
      noopOf('a', { inputs: { x: 'x'.repeat(300_000) } }),
      noopOf('b', { inputs: { x: 'x'.repeat(200_000) } }),
    );
    expect(executor.reported('a')).toEqual(['ended failed invalid']);
    expect(executor.reported('b')).toEqual(['ended succeeded']);
  });

  it('ten thousand sleep at once and hold no slot', async () => {
    const executor = await ExecutorFixture.started();
    const sleeping = Array.from({ length: 10_000 }, (_, n) => sleepOf(`s.${n}`, 60));
    await executor.deliverStarts(...sleeping, startOf('a'));
    expect(executor.launcher.launched).toEqual(['a']);
    await executor.time.advance(59_999);
    expect(executor.reports.filter(({ report }) => report === 'ended')).toHaveLength(0);
    await executor.time.advance(1);
    expect(executor.reports.filter(({ report }) => report === 'ended')).toHaveLength(10_000);
  });

  it('sleep succeeds when its time has come', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(sleepOf('a', 1.5));
    await executor.time.advance(1_500);
    expect(executor.reports.at(-1)).toMatchObject({
      report: 'ended',
      outcome: { status: 'succeeded', outputs: {} },
      duration_ms: 1_500,
    });
  });

  it('sleep fails when its time limit comes first', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(sleepOf('a', 60, { timeout_ms: 2_000 }));
    await executor.time.advance(2_000);
    expect(executor.reported('a')).toEqual(['started', 'ended failed timeout']);
  });

  it.each([[-1], ['soon'], [null]])('sleep refuses %p seconds', async (seconds) => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(sleepOf('a', 0, { inputs: { seconds } }));
    await executor.time.advance(0);
    expect(executor.reported('a')).toEqual(['ended failed invalid']);
  });
});

describe('log of an attempt', () => {
  it('is complete before its end is reported', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    executor.launcher.work('a').sink.write(Buffer.from('hello'));
    executor.launcher.work('a').end();
    await settle();
    expect(executor.chunks).toEqual([
      { project: 'default', run_id: 'r1', execution: 'a', attempt: 1, offset: 0, text: 'hello', bytes: 5, end: true },
    ]);
    const order = executor.published
      .map(({ target }) => target.exchange)
      .filter((name) => name !== exchanges.executions.name);
    expect(order).toEqual([exchanges.logs.name, exchanges.runner.name]);
  });

  it('does not keep the end for ever when the broker takes no chunk', async () => {
    const executor = await ExecutorFixture.started();
    await executor.deliverStarts(startOf('a'));
    executor.broker.confirms = 'never';
    executor.launcher.work('a').end();
    await executor.time.advance(4_999);
    expect(executor.reported('a')).toEqual(['started']);
    await executor.time.advance(1);
    expect(executor.reported('a')).toEqual(['started', 'ended succeeded']);
  });
});

describe('messages that are not meant for an executor', () => {
  it('are parked', async () => {
    const executor = await ExecutorFixture.started();
    const stray = { id: 'm', type: 'log.wake', source: '/x', project: 'default', data: { position: 1 } } as const;
    const deliveries = [
      ...(await executor.broker.deliver(executor.startQueue, [stray])),
      ...(await executor.broker.deliver(executor.ownQueue, [stray])),
    ];
    expect(deliveries.map(({ settled }) => settled)).toEqual(['parked', 'parked']);
  });
});
