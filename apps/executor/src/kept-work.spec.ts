import { attemptName } from './attempt-name';
import type { Adoption } from './launcher';
import { addressed, ExecutorFixture, startOf } from './testing/executor-fixture';
import { FakeKept, FakeLauncher, FakeWork } from './testing/fake-launcher';
import { settle } from './testing/virtual-time';
import { launchOf } from './work';

const oneSlot = { capacity: { slots: 1, cpu: 4, memory_bytes: 1000, gpu: 0 } };

/** An executor whose work outlives it. */
class Keeping {
  private constructor(
    readonly kept: FakeKept,
    readonly executor: ExecutorFixture,
  ) {}

  static async started(settings = {}, kept = new FakeKept()): Promise<Keeping> {
    return new Keeping(kept, await ExecutorFixture.started(settings, new FakeLauncher(kept)));
  }

  /** Another executor of the site has begun it, and is gone. */
  async adopt(start = startOf('a'), since: number | null = 1_000): Promise<FakeWork[]> {
    const begun: FakeWork[] = [];
    const { action } = start;
    if (action.type === 'builtin') throw new Error('Expected work that is kept');
    const adoption: Adoption = {
      of: addressed(start),
      since,
      resources: start.resources,
      begin: (sink) => {
        const work = new FakeWork(launchOf({ start, since }, action), sink);
        begun.push(work);
        return work;
      },
    };
    this.kept.keeper?.adopt(adoption);
    await settle();
    return begun;
  }
}

async function adopted(keeping: Keeping, start = startOf('a')): Promise<FakeWork> {
  const [work] = await keeping.adopt(start);
  if (work === undefined) throw new Error('Expected the work to be begun');
  return work;
}

describe('work that outlives its executor', () => {
  it('is found before any message is taken, or any beat sent', async () => {
    const kept = new FakeKept();
    let found: () => void = () => undefined;
    kept.isOpening = new Promise((resolve) => (found = resolve));
    const { executor } = await Keeping.started({}, kept);
    await executor.time.advance(5_000);
    expect(executor.broker.isConsumed(executor.ownQueue)).toBe(false);
    expect(executor.beats).toEqual([]);

    found();
    await settle();
    expect(executor.broker.isConsumed(executor.ownQueue)).toBe(true);
    expect(executor.beats).toHaveLength(1);
  });

  it('is told when the broker has its outcome, which is before that is in the log', async () => {
    const { kept, executor } = await Keeping.started(oneSlot);
    await executor.deliverStarts(startOf('a'));
    expect(kept.safe).toEqual([]);
    executor.broker.confirms = 'never';
    executor.launcher.work('a').end();
    await settle();
    expect(kept.safe).toEqual([]);
    executor.broker.confirm();
    await settle();
    expect(new Set(kept.safe)).toEqual(new Set(['default/r1/a/1']));
    expect(kept.forgotten).toEqual([]);
  });

  it('is told with each answered beat who lives at the site', async () => {
    const { kept, executor } = await Keeping.started();
    executor.livesWith = ['other'];
    await executor.time.advance(1_000);
    const { incarnation } = executor.executor;
    expect(kept.said).toEqual([[incarnation], [incarnation, 'other']]);
  });

  it('is not told by an answer that is too old, nor once the executor leaves', async () => {
    const { kept, executor } = await Keeping.started();
    const sent = executor.beats[0]?.sent ?? 0;
    executor.time.freeze(60_000);
    await executor.say('executor.beat-answer', { sent, incarnations: ['late'] });
    await executor.executor.stopTaking();
    await settle();
    expect(kept.said).toEqual([[executor.executor.incarnation]]);
  });

  it('may begin while a runner counts on us', async () => {
    const { kept, executor } = await Keeping.started();
    expect(kept.keeper?.mayBegin()).toBe(true);
    executor.answersBeats = false;
    await executor.time.advance(6_000);
    expect(kept.keeper?.mayBegin()).toBe(false);
  });

  it('is not called unknown while it is there, whoever has it, and is when it is not', async () => {
    const { kept, executor } = await Keeping.started();
    kept.there.add('default/r1/a/1');
    await executor.queryAt(1_000, startOf('a'));
    await executor.queryAt(2_000, startOf('b'));
    expect(executor.reported('a')).toEqual([]);
    expect(executor.answers).toMatchObject([{ execution: 'b', answer: 'unknown', asked_at: 2_000 }]);

    kept.there.delete('default/r1/a/1');
    await executor.queryAt(3_000, startOf('a'));
    expect(executor.answers.at(-1)).toMatchObject({ execution: 'a', answer: 'unknown', asked_at: 3_000 });
  });

  it('is looked for once while the cluster does not answer, however often a runner repeats its question', async () => {
    const { kept, executor } = await Keeping.started();
    let answer: () => void = () => undefined;
    kept.isLooking = new Promise((resolve) => (answer = resolve));
    for (let times = 0; times < 20; times++) await executor.queryAt(1_000, startOf('a'));
    expect(kept.lookedFor).toHaveLength(1);

    answer();
    await settle();
    expect(executor.answers).toMatchObject([{ execution: 'a', answer: 'unknown', asked_at: 1_000 }]);
  });

  it('is looked for again for a question that came meanwhile: what was seen before proves nothing', async () => {
    const { kept, executor } = await Keeping.started();
    let answer: () => void = () => undefined;
    kept.isLooking = new Promise((resolve) => (answer = resolve));
    await executor.queryAt(1_000, startOf('a'));
    kept.there.add('default/r1/a/1');
    await executor.queryAt(2_000, startOf('a'));
    answer();
    await settle();
    expect(kept.lookedFor).toHaveLength(2);
    expect(executor.answers).toEqual([]);
  });

  it('is not looked for where it is ours: that it is held is said although the cluster does not answer', async () => {
    const { kept, executor } = await Keeping.started(oneSlot);
    await executor.deliverStarts(startOf('runs'), startOf('waits'));
    kept.isLooking = new Promise(() => undefined);
    await executor.queryAt(1_000, startOf('runs'));
    await executor.queryAt(1_000, startOf('waits'));
    expect(kept.lookedFor).toEqual([]);
    expect(executor.answers).toMatchObject([
      { execution: 'runs', answer: 'holding', asked_at: 1_000 },
      { execution: 'waits', answer: 'holding', asked_at: 1_000 },
    ]);
  });

  it('is forgotten when its outcome is in the log', async () => {
    const { kept, executor } = await Keeping.started();
    await executor.deliverStarts(startOf('a'));
    executor.launcher.work('a').end();
    await settle();
    expect(kept.forgotten).toEqual([]);
    await executor.settle(startOf('a'));
    expect(kept.forgotten).toEqual(['default/r1/a/1']);
  });
});

describe('an adopted attempt', () => {
  it('is held, as the start that it came by was meant, and takes its room', async () => {
    const keeping = await Keeping.started(oneSlot);
    const { executor } = keeping;
    await keeping.adopt(startOf('a'), 7_000);
    expect(executor.answers).toMatchObject([{ execution: 'a', answer: 'holding', since: 7_000, asked_at: null }]);
    await executor.deliverStarts(startOf('b'));
    expect(executor.launcher.launched).toEqual([]);

    await executor.queryAt(8_000, startOf('a'));
    expect(executor.answers.at(-1)).toMatchObject({ answer: 'holding', since: 7_000, asked_at: 8_000 });
  });

  it('is held although there is no room, and what starts later waits for both', async () => {
    const keeping = await Keeping.started(oneSlot);
    const { executor } = keeping;
    await executor.deliverStarts(startOf('a'), startOf('b'));
    const work = await adopted(keeping, startOf('c'));
    expect(executor.reported('c')).toEqual(['holding']);
    executor.launcher.work('a').end();
    await settle();
    expect(executor.launcher.launched).toEqual(['a']);
    work.end();
    await settle();
    expect(executor.launcher.launched).toEqual(['a', 'b']);
  });

  it('is reported to the partition of the start that it came by, with all of its log', async () => {
    const keeping = await Keeping.started();
    const { executor } = keeping;
    const work = await adopted(keeping, startOf('a', { reply_partition: 9 }));
    work.sink.write(Buffer.from('half way\n'));
    work.end();
    await executor.time.advance(1_000);
    expect(executor.reported('a')).toEqual(['holding', 'ended succeeded']);
    expect(executor.reportPacks.map(({ target }) => target.routingKey)).toEqual(['p9', 'p9']);
    expect(executor.chunks.map(({ text }) => text).join('')).toBe('half way\n');
    expect(executor.chunks.at(-1)?.end).toBe(true);
  });

  it('is not begun again where it is held already', async () => {
    const keeping = await Keeping.started();
    await keeping.executor.deliverStarts(startOf('a'));
    expect(await keeping.adopt(startOf('a'))).toEqual([]);
  });

  it('is cancelled when the cancel came before it', async () => {
    const keeping = await Keeping.started();
    const { executor } = keeping;
    await executor.cancel(startOf('a'));
    const work = await adopted(keeping);
    expect(work.cancels).toEqual(['asked']);
    work.end({ status: 'cancelled' });
    await settle();
    expect(executor.reported('a').at(-1)).toBe('ended cancelled');
  });

  it('is stopped, and reported to nobody, when it was settled before it', async () => {
    const keeping = await Keeping.started();
    const { executor } = keeping;
    await executor.settle(startOf('a'));
    const work = await adopted(keeping);
    expect(work.cancels).toEqual(['asked']);
    work.end({ status: 'cancelled' });
    await settle();
    expect(executor.reports).toEqual([]);
  });

  it('that another executor has taken over is not reported, its log goes on, and its room is free', async () => {
    const keeping = await Keeping.started(oneSlot);
    const { executor } = keeping;
    const work = await adopted(keeping);
    await executor.deliverStarts(startOf('b'));
    work.sink.write(Buffer.from('so far\n'));
    work.leave();
    await executor.time.advance(6_000);
    expect(executor.reported('a')).toEqual(['holding']);
    const ofA = executor.chunks.filter(({ execution }) => execution === 'a');
    expect(ofA.map(({ text }) => text).join('')).toBe('so far\n');
    expect(ofA.filter(({ end }) => end)).toEqual([]);
    expect(executor.launcher.launched).toEqual(['b']);
  });
});

describe('shutdown of an executor whose work outlives it', () => {
  it('lets go of what runs: it is neither cancelled nor reported, and a successor answers for it', async () => {
    const { executor } = await Keeping.started();
    await executor.deliverStarts(startOf('a'));
    await executor.time.advance(1_000);
    await executor.stop();
    expect(executor.launcher.work('a').cancels).toEqual([]);
    expect(executor.launcher.closed).toBe(true);
    expect(executor.reported('a')).toEqual(['started']);
  });

  it('does not wait for what runs, but for what has ended to be settled, and keeps nothing of that', async () => {
    const { executor, kept } = await Keeping.started({ finishMs: 3_600_000 });
    await executor.deliverStarts(startOf('runs'), startOf('ended'));
    executor.launcher.work('ended').end();
    await executor.executor.stopTaking();
    const finished = jest.fn();
    const done = executor.executor.finish().then(finished);
    await executor.time.advance(0);
    expect(finished).not.toHaveBeenCalled();
    expect(executor.launcher.closed).toBe(false);
    await executor.settle(startOf('ended'));
    await done;
    expect(executor.reported('ended')).toContain('ended succeeded');
    expect(kept.forgotten).toEqual([attemptName(startOf('ended'))]);
    expect(executor.launcher.closed).toBe(true);
  });
});
