import { exchanges } from '@ryax/contracts';
import { machineKind } from './settings';
import { ExecutorFixture, noopOf, sleepOf, startOf } from './testing/executor-fixture';
import { FakeKept, FakeLauncher } from './testing/fake-launcher';
import { settle } from './testing/virtual-time';

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

  it('says before each beat that it keeps work, and with it', async () => {
    const executor = await ExecutorFixture.started({}, new FakeLauncher(new FakeKept()));
    await executor.time.advance(1_000);
    expect(executor.beatPacks).toEqual([
      ['executor.traits', 'executor.beat'],
      ['executor.traits', 'executor.beat'],
    ]);
    const { incarnation } = executor.executor;
    expect(executor.traits[0]).toEqual({ executor: 'host-1', incarnation, site: 'local', keeps_work: true });
  });

  it('says nothing of its kind when its work ends with it', async () => {
    const executor = await ExecutorFixture.started();
    await executor.time.advance(1_000);
    expect(executor.beatPacks).toEqual([['executor.beat'], ['executor.beat']]);
  });

  it('says before each beat what its pool is like, where it knows it', async () => {
    const poolKind = machineKind({ slots: 1, cpu: 4, memory_bytes: 1_000, gpu: 0 });
    const executor = await ExecutorFixture.started({ pool: 'cpu', poolKind }, new FakeLauncher(new FakeKept()));
    await executor.time.advance(1_000);
    const pack = ['executor.traits', 'executor.pools', 'executor.beat'];
    expect(executor.beatPacks).toEqual([pack, pack]);
    const { incarnation } = executor.executor;
    const about = { executor: 'host-1', incarnation, site: 'local' };
    expect(executor.poolKinds[0]).toEqual({ ...about, pools: [{ name: 'cpu', ...poolKind }] });
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
