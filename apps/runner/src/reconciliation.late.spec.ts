import { memberOf, World } from './testing/world';

/** What executors say may come late, twice, or to another runner than that which it was said to. */
describe('Reconciliation, of what comes late', () => {
  describe('a start given back', () => {
    it('is emitted again once, however often it is said', async () => {
      const world = new World({ sentTo: 'e1', since: 100 });
      world.passUntil(1_000, 'e1', 'e2');
      world.hear('returned', 'e1', { since: 100 });
      emitted(world, 'e2', 101);
      world.hear('returned', 'e1', { since: 100 });
      await world.tick();
      expect(world.verdicts).toEqual([]);
      expect(world.askedOf).toEqual(['query.local']);
    });

    it('is not emitted again by a copy of an earlier word, when it has come back to who gave it back before', async () => {
      const world = new World({ sentTo: 'e1', since: 100 });
      world.passUntil(1_000, 'e1', 'e2');
      world.hear('returned', 'e1', { since: 100 });
      emitted(world, 'e2', 101);
      world.hear('returned', 'e2', { since: 101 });
      emitted(world, 'e1', 102);
      world.hear('returned', 'e1', { since: 100 });
      await world.tick();
      expect(world.verdicts).toEqual([]);
    });

    it('to a runner that has not sent it makes that ask, and no more', async () => {
      const world = new World();
      world.passUntil(1_000, 'e1', 'e2');
      world.hear('returned', 'e1');
      await world.tick();
      expect([world.askedOf, world.verdicts]).toEqual([['query.local'], []]);
    });

    it('by an executor that does not say which start makes it ask, and no more', async () => {
      const world = new World({ sentTo: 'e1' });
      world.passUntil(1_000, 'e1');
      world.hearReport('returned', 'e1');
      await world.tick();
      expect([world.askedOf, world.verdicts]).toEqual([['query.local'], []]);
    });

    it('is not emitted again when another has said meanwhile that it holds the attempt', async () => {
      const world = new World({ sentTo: 'e1' });
      world.passUntil(6_000, 'e1', 'e2');
      await world.tick();
      world.hear('holding', 'e2');
      world.hear('returned', 'e1');
      await world.tick();
      expect([world.attempt?.holder, world.verdicts]).toEqual(['e2', []]);
    });

    it('is not emitted again, and its holder is watched, when another says after it that it holds the attempt', async () => {
      const world = new World({ sentTo: 'e1' });
      world.passUntil(6_000, 'e1', 'e2');
      await world.tick();
      world.hear('returned', 'e1');
      world.hear('holding', 'e2');
      world.passUntil(18_000, 'e1');
      await world.tick();
      expect(world.verdicts).toEqual(['vanished: its executor e2 is gone']);
    });
  });

  describe('who holds it', () => {
    it('is who says so of the start that was sent to it, unasked', async () => {
      const world = new World({ sentTo: 'e1' });
      world.hear('holding', 'e1');
      await world.tick();
      expect([world.attempt?.holder, world.asked]).toEqual(['e1', []]);
    });

    it('is who says that it has started what was sent to it', async () => {
      const world = new World({ sentTo: 'e1' });
      world.hearReport('started', 'e1');
      await world.tick();
      expect([world.attempt?.holder, world.asked]).toEqual(['e1', []]);
    });

    it.each([
      ['of an earlier start', { since: 99, asked_at: null }, 'e1'],
      ['of a start that went to another', { asked_at: null }, 'e2'],
      ['to an earlier question', { since: 99, asked_at: 98 }, 'e2'],
    ])('is not who says so %s: everybody is asked', async (_, to, incarnation) => {
      const world = new World({ sentTo: 'e1', since: 100 });
      world.passUntil(1_000, 'e1', 'e2');
      world.hear('holding', incarnation, to);
      await world.tick();
      expect([world.attempt?.holder, world.askedOf]).toEqual([undefined, ['query.local']]);
    });

    it.each(['holding', 'started'] as const)('is not who reports %s of what was sent to another', async (report) => {
      const world = new World({ sentTo: 'e1', holder: 'e1' });
      world.passUntil(1_000, 'e1', 'e2');
      world.hearReport(report, 'e2');
      await world.tick();
      expect([world.attempt?.holder, world.askedOf]).toEqual(['e1', ['query.local']]);
    });

    it('is whoever says so when asked, be it another than was thought', async () => {
      const world = new World({ sentTo: 'e1', holder: 'e1' });
      world.passUntil(1_000, 'e1', 'e2');
      world.suspectAll();
      await world.tick();
      world.hear('holding', 'e2');
      world.hear('unknown', 'e1');
      expect(world.attempt?.holder).toBe('e2');
    });

    it('is asked no more often than every three seconds, whatever comes', async () => {
      const world = new World({ sentTo: 'e1', holder: 'e1' });
      for (let second = 1; second <= 9; second++) {
        world.passUntil(1_000 * second, 'e1', 'e2');
        world.hear('holding', 'e2', { since: 99, asked_at: null });
        await world.tick();
        world.hear('holding', 'e1');
      }
      expect(world.askedAt).toEqual([1_000, 4_000, 7_000]);
    });
  });

  describe('that somebody does not know it', () => {
    it('does not count for another question than it was said to', async () => {
      const world = new World();
      world.passUntil(6_000, 'e1', 'e2');
      await world.tick();
      world.hear('holding', 'e2');
      world.hear('unknown', 'e2');
      world.passUntil(10_000, 'e1', 'e2');
      await world.tick();
      expect(world.askedAt).toEqual([6_000, 10_000]);
      world.hear('unknown', 'e1', { asked_at: 6_000 });
      world.hear('unknown', 'e2', { asked_at: 10_000 });
      await world.tick();
      expect(world.verdicts).toEqual([]);
      world.hear('unknown', 'e1', { asked_at: 10_000 });
      await world.tick();
      expect(world.verdicts).toEqual(['emitted again']);
    });

    it.each([
      ['to an earlier question', (world: World) => world.hear('unknown', 'e1', { asked_at: 500 })],
      ['to no question', (world: World) => world.hear('unknown', 'e1', { asked_at: null })],
      ['by a report, which may have answered a cancel', (world: World) => world.hearReport('unknown', 'e1')],
    ])('does not confirm a cancel when it was said %s', async (_, say) => {
      const world = new World({ cancelling: { since: 0, force: false } });
      world.passUntil(6_000, 'e1');
      await world.tick();
      say(world);
      await world.tick();
      expect(world.verdicts).toEqual([]);
    });

    it('makes nothing lost by an executor that died, when it was said to an earlier question', async () => {
      const world = new World();
      world.remembered = [memberOf('dead', 500)];
      world.passUntil(6_000, 'e1');
      await world.tick();
      world.hear('unknown', 'e1', { asked_at: 500 });
      await world.tick();
      expect(world.verdicts).toEqual([]);
    });
  });
});

/** Its start was sent again, as the runner does when told to. */
function emitted({ attempt }: World, incarnation: string, since: number): void {
  if (attempt === undefined) throw new Error('no attempt');
  Object.assign(attempt, { sentTo: incarnation, since, isReturned: false, holder: undefined, inquiry: undefined });
}
