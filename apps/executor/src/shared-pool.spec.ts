import { incarnationIn } from './incarnation';
import { ExecutorFixture, startOf } from './testing/executor-fixture';
import { FakeKept, FakeLauncher } from './testing/fake-launcher';
import { settle } from './testing/virtual-time';

const capacity = { slots: 4, cpu: 8, memory_bytes: 800, gpu: 0 };
const before = '00000000-0000-4000-8000-000000000000';
const after = 'ffffffff-ffff-4fff-bfff-ffffffffffff';

/** Halves of two machines: the first has the one that is left over. */
const settings = {
  capacity,
  largest: { slots: 4, cpu: 4, memory_bytes: 400, gpu: 0 },
  share: (index: number, executors: number) => {
    const part = (whole: number) => (index < executors ? Math.floor(whole / executors) : 0);
    return { slots: part(4), cpu: part(8), memory_bytes: part(800), gpu: index };
  },
};

describe('a pool that several executors offer', () => {
  async function started(): Promise<ExecutorFixture> {
    const executor = await ExecutorFixture.started(settings, new FakeLauncher(new FakeKept()));
    await executor.time.advance(1_000);
    return executor;
  }

  const offer = (executor: ExecutorFixture) => executor.beats.at(-1)?.pools[0];

  async function shareWith(executor: ExecutorFixture, ...others: readonly string[]): Promise<void> {
    executor.livesWith = others;
    await executor.time.advance(2_000);
  }

  it('is offered by none before it has heard who lives there, and wholly by one that is alone', async () => {
    const executor = await started();
    expect(executor.beats[0]?.pools[0]).toMatchObject({ slots: 0, cpu: 0, free: { slots: 0, cpu: 0 } });
    expect(offer(executor)).toMatchObject({ slots: 4, cpu: 8, free: { slots: 4, cpu: 8, memory_bytes: 800 } });
  });

  it('is divided among those that live, in the order of their names', async () => {
    const executor = await started();
    await shareWith(executor, after);
    expect(offer(executor)).toMatchObject({ slots: 2, cpu: 4, gpu: 0, free: { slots: 2, cpu: 4, gpu: 0 } });
    await shareWith(executor, before, after);
    expect(offer(executor)).toMatchObject({ slots: 1, gpu: 1, free: { slots: 1, gpu: 1 } });
  });

  it('is divided among those of the same pool, and of a version that does not tell which it serves', async () => {
    const executor = await started();
    await shareWith(executor, incarnationIn('gpu', after), incarnationIn('arm', after));
    expect(offer(executor)).toMatchObject({ slots: 4 });
    await shareWith(executor, incarnationIn('gpu', after), incarnationIn('default', after));
    expect(offer(executor)).toMatchObject({ slots: 2 });
    await shareWith(executor, incarnationIn('gpu', after), after);
    expect(offer(executor)).toMatchObject({ slots: 2 });
  });

  it('is not taken by more than the share, and what waits starts when another executor is gone', async () => {
    const executor = await started();
    await shareWith(executor, after);
    await executor.deliverStarts(startOf('a'), startOf('b'), startOf('c'));
    expect(executor.launcher.launched).toEqual(['a', 'b']);
    await shareWith(executor);
    expect(executor.launcher.launched).toEqual(['a', 'b', 'c']);
  });

  it('is never offered below what runs, of which nothing is free', async () => {
    const executor = await started();
    await executor.deliverStarts(startOf('a'), startOf('b'), startOf('c', { resources: { cpu: 3 } }));
    await shareWith(executor, after);
    expect(offer(executor)).toMatchObject({ slots: 3, cpu: 4, free: { slots: 0, cpu: 1 } });
    await executor.deliverStarts(startOf('d'));
    executor.launcher.work('a').end();
    await settle();
    expect(executor.launcher.launched).toEqual(['a', 'b', 'c']);
    executor.launcher.work('b').end();
    await settle();
    expect(executor.launcher.launched).toEqual(['a', 'b', 'c', 'd']);
  });

  it('refuses what no machine of it can have, and only that, however small the share', async () => {
    const executor = await started();
    await shareWith(executor, before, after);
    await executor.deliverStarts(startOf('fits', { resources: { cpu: 4 } }));
    await executor.deliverStarts(startOf('too large', { resources: { cpu: 5 } }));
    expect(executor.reported('fits')).toEqual([]);
    expect(executor.reported('too large')).toEqual(['ended failed rejected']);
  });

  it('is that of one machine where executors do not say that they share', async () => {
    const executor = await ExecutorFixture.started({ capacity });
    await shareWith(executor, before, after);
    expect(offer(executor)).toMatchObject({ slots: 4, cpu: 8, free: { slots: 4, cpu: 8 } });
  });
});
