import { trackedAttempt } from './testing/tracked-attempt';
import { memberOf, World } from './testing/world';

describe('Reconciliation', () => {
  it('leaves an attempt with its holder while that lives, however long it says nothing', async () => {
    const world = new World({ holder: 'e1' });
    world.passUntil(59_000, 'e1', 'e2');
    await world.tick();
    expect(world.asked).toEqual([]);
    world.passUntil(3_600_000, 'e1', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual([]);
  });

  it('asks a holder, and it alone, once a minute', async () => {
    const world = new World({ holder: 'e1' });
    for (let second = 0; second <= 180; second++) {
      world.passUntil(1_000 * second, 'e1', 'e2');
      await world.tick();
      if (world.attempt?.inquiry?.isAnswered === false) world.hear('holding', 'e1');
    }
    expect(world.askedAt).toEqual([60_000, 120_000, 180_000]);
    expect(new Set(world.askedOf)).toEqual(new Set(['executor.e1']));
  });

  it('asks everybody when the holder says that it does not know the attempt', async () => {
    const world = new World({ holder: 'e1' });
    world.passUntil(60_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e1');
    world.passUntil(63_000, 'e1', 'e2');
    await world.tick();
    expect(world.askedOf).toEqual(['executor.e1', 'query.local']);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('calls an attempt lost whose holder is dead', async () => {
    const world = new World({ holder: 'e1' });
    world.passUntil(1_000, 'e1', 'e2');
    world.passUntil(13_000, 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: its executor e1 is gone']);
  });

  it('asks nobody before the start has lost its validity', async () => {
    const world = new World();
    world.passUntil(4_000, 'e1');
    await world.tick();
    expect(world.asked).toEqual([]);
  });

  // A repeat that was newer would make more of the first answer than was promised by it.
  it('repeats the same question, so that who has answered one copy has answered all', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e1');
    world.passUntil(10_000, 'e1', 'e2');
    await world.tick();
    expect(world.askedAt).toEqual([6_000, 6_000]);
    world.hear('unknown', 'e2', { asked_at: 6_000 });
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
    expect(world.attempt?.inquiry?.since).toBe(6_000);
  });

  it('asks with a time that is newer than the start, should the database have been set back', async () => {
    const world = new World({ since: 50_000 });
    world.passUntil(6_000, 'e1');
    await world.tick();
    expect(world.askedAt).toEqual([50_001]);
  });

  it('emits a start again only after every live executor has said that it does not know it', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    expect(world.asked).toHaveLength(1);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('does not emit again what an executor has meanwhile said it holds', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e1');
    world.hear('holding', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    expect(world.attempt?.holder).toBe('e2');
  });

  it('calls an attempt lost, and does not emit it again, when an executor died that may have run it', async () => {
    const world = new World();
    world.remembered = [memberOf('dead', 500)];
    world.passUntil(6_000, 'e1');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of dead, which may have run it, is gone']);
  });

  it('does not blame an executor that died before the attempt was handed out', async () => {
    const world = new World({ scheduledAt: 60_000 });
    world.remembered = [memberOf('dead', 500)];
    world.passUntil(6_000, 'e1');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('waits while no executor lives, for none can be asked or given anything', async () => {
    const world = new World();
    world.passUntil(60_000);
    await world.tick();
    await world.tick();
    expect(world.verdicts).toEqual([]);
  });

  it('does not confirm a cancel by nobody', async () => {
    const world = new World({ cancelling: { since: 0, force: false } });
    world.passUntil(60_000);
    await world.tick();
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.passUntil(64_000, 'e1');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: no executor holds it']);
  });

  it('ends what is being cancelled when all executors of its site stay dead, and one of them may have run it', async () => {
    const world = new World({ cancelling: { since: 0, force: false } });
    world.remembered = [memberOf('dead', 500)];
    world.passUntil(60_000);
    await world.tick();
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of dead, which may have run it, is gone']);
  });

  it('emits a start again at once that an executor gave back', async () => {
    const world = new World({ sentTo: 'e1' });
    world.passUntil(1_000, 'e1');
    world.hear('returned', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('remembers who has given a start back, and after which of their beats, each once', () => {
    const world = new World({ sentTo: 'e1' });
    world.passUntil(2_000, 'e1', 'e2');
    world.hear('returned', 'e1');
    const attempt = world.attempt ?? trackedAttempt();
    attempt.sentTo = 'e2';
    world.hear('returned', 'e2');
    world.passUntil(5_000, 'e1', 'e2');
    attempt.sentTo = 'e1';
    world.hear('returned', 'e1');
    world.hear('returned', 'e2', { since: 99 });
    expect(attempt.givenBack).toEqual([
      { by: 'e2', beats: 2 },
      { by: 'e1', beats: 5 },
    ]);
  });

  it('repeats a cancel until the attempt has ended, and confirms it by absence', async () => {
    const world = new World({ cancelling: { since: 0, force: false } });
    await world.tick();
    world.passUntil(2_000, 'e1');
    await world.tick();
    world.passUntil(6_000, 'e1');
    await world.tick();
    expect(world.cancels).toHaveLength(2);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: no executor holds it']);
  });

  it.each([undefined, 'e1'])(
    'asks about everything at once after the broker was away, its holder being %s',
    async (holder) => {
      const world = new World({ holder });
      world.passUntil(1_000, 'e1', 'e2');
      world.suspectAll();
      await world.tick();
      expect(world.askedOf).toEqual(['query.local']);
      expect(world.attempt?.holder).toBe(holder);
    },
  );

  it('calls an attempt lost whose holder it knows only by an answer, and never hears', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1');
    await world.tick();
    world.hear('holding', 'never heard');
    world.passUntil(18_000, 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: its executor never heard is gone']);
  });

  it('waits for who is known only by a report, as it may live', async () => {
    const world = new World();
    world.remembered = [memberOf('not heard yet', 500)];
    world.passUntil(6_000, 'e1');
    world.hearReport('started', 'not heard yet');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.passUntil(18_000, 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of not heard yet, which may have run it, is gone']);
  });

  it('does not conclude from an answer that came before the start had lost its validity', async () => {
    const world = new World();
    world.passUntil(1_000, 'e1');
    world.suspectAll();
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    world.passUntil(6_000, 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('everything open is asked about at a bounded rate', async () => {
    const world = new World();
    const { attempt } = world;
    if (attempt === undefined) throw new Error('no attempt');
    for (let other = 1; other < 5_000; other++) world.index.track({ ...attempt, execution: `x.${other}` });
    world.passUntil(1_000, 'e1');
    world.suspectAll();
    const askedAfter: number[] = [];
    for (let tick = 1; tick <= 4; tick++) {
      await world.tick();
      askedAfter.push(world.asked.length);
    }

    expect(askedAfter).toEqual([2_000, 4_000, 5_000, 5_000]);
    expect(new Set(world.asked.map(({ execution }) => execution)).size).toBe(5_000);
  });
});
