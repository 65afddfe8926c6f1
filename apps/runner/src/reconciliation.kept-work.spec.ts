import { rememberedMs } from './membership';
import { memberOf, World } from './testing/world';
import type { TrackedAttempt } from './work-index';

/** At a site whose executors run pods, what one of them held goes on when it dies, and another answers for it. */
describe('Reconciliation, where work outlives its executor', () => {
  it('asks everybody when the holder of an attempt is dead, and calls nothing lost', async () => {
    const world = keptWorld({ holder: 'e1' });
    world.passUntil(1_000, 'e1', 'e2');
    world.passUntil(13_000, 'e2');
    await world.tick();
    expect([world.askedOf, world.verdicts]).toEqual([['query.local'], []]);
    expect(world.attempt?.holder).toBeUndefined();
  });

  it('leaves the attempt with the successor that says it has it', async () => {
    const world = await withoutHolder();
    world.hear('holding', 'e2');
    for (const second of [30, 50, 70]) {
      world.passUntil(1_000 * second, 'e2');
      await world.tick();
    }
    expect([world.attempt?.holder, world.verdicts]).toEqual(['e2', []]);
  });

  it('asks a successor again that says nothing, as it sees a pod and has not adopted it yet', async () => {
    const world = await withoutHolder();
    for (let second = 14; second <= 20; second++) {
      world.passUntil(1_000 * second, 'e2');
      await world.tick();
    }
    expect(world.askedOf).toEqual(['query.local', 'query.local', 'query.local']);
    expect([new Set(world.askedAt), world.verdicts]).toEqual([new Set([13_000]), []]);
  });

  it('calls the attempt lost when nobody that lives knows it', async () => {
    const world = await withoutHolder();
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of e1, which may have run it, is gone']);
  });

  it('takes no word for it that was said while the holder lived: its successor may have it since', async () => {
    const world = keptWorld({ holder: 'e1' });
    world.remembered = [memberOf('e1', 6_000)];
    world.passUntil(6_000, 'e1', 'e2');
    world.suspectAll();
    await world.tick();
    world.hear('holding', 'e1');
    world.hear('unknown', 'e2');
    world.passUntil(18_000, 'e2');
    await world.tick();
    expect([world.askedAt, world.verdicts]).toEqual([[6_000, 18_000], []]);
  });

  it('asks anew when one has died that was asked: it may have begun after the others had answered', async () => {
    const world = keptWorld({ sentTo: 'e1' });
    world.remembered = [memberOf('e1', 6_000)];
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e2');
    world.passUntil(18_000, 'e2');
    await world.tick();
    expect([world.askedAt, world.verdicts]).toEqual([[6_000, 18_000], []]);
    world.hear('unknown', 'e2', { asked_at: 6_000 });
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of e1, which may have run it, is gone']);
  });

  it.each([
    ['what runs', null],
    ['what is being cancelled, as it may run on', { since: 0, force: false }],
  ])('waits while nobody lives, whoever has died, with %s', async (_, cancelling) => {
    const world = keptWorld({ holder: 'e1', cancelling });
    world.remembered = [memberOf('e1', 1_000)];
    world.passUntil(1_000, 'e1');
    world.passUntil(120_000);
    await world.tick();
    await world.tick();
    expect([world.verdicts, world.asked]).toEqual([[], []]);
    world.passUntil(121_000, 'e2');
    await world.tick();
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of e1, which may have run it, is gone']);
  });

  it('keeps nobody waiting elsewhere for what waits for an executor', async () => {
    const world = keptWorld({ site: 'far' }, 'far');
    const { attempt } = world;
    if (attempt === undefined) throw new Error('no attempt');
    for (let other = 1; other < 2_500; other++) world.index.track({ ...attempt, execution: `x.${other}` });
    world.index.track({ ...attempt, execution: 'near', site: 'local' });
    world.remembered = [memberOf('e1', 500)];
    world.passUntil(6_000);
    for (let tick = 0; tick < 4; tick++) await world.tick();
    expect(new Set(world.verdicts)).toEqual(new Set(['vanished: executor host of e1, which may have run it, is gone']));
  });

  it('emits a start again that nobody knows, when nobody has died', async () => {
    const world = keptWorld({ sentTo: 'e1' });
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e1');
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('emits nothing again that may have been run by one that nobody remembers', async () => {
    const world = keptWorld({ scheduledAt: -rememberedMs });
    world.passUntil(6_000, 'e2');
    await world.tick();
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual([
      'vanished: an executor that is not remembered any more, which may have run it, is gone',
    ]);
  });

  it('confirms a cancel by absence', async () => {
    const world = keptWorld({ cancelling: { since: 0, force: false } });
    world.passUntil(6_000, 'e1');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: no executor holds it']);
  });
});

function keptWorld(overrides: Partial<TrackedAttempt> = {}, site = 'local'): World {
  const world = new World(overrides);
  world.executors.rememberKept(site);
  return world;
}

/** Its holder e1 has died, and e2 was asked at 13,000. */
async function withoutHolder(): Promise<World> {
  const world = keptWorld({ holder: 'e1' });
  world.remembered = [memberOf('e1', 1_000)];
  world.passUntil(1_000, 'e1', 'e2');
  world.passUntil(13_000, 'e2');
  await world.tick();
  return world;
}
