import fc from 'fast-check';
import { chooseExecutor, rankAmong, type Candidate, type Preference } from './executor-choice';

const names = (count: number) => Array.from({ length: count }, (_, at) => `e${at}`);
const free = fc.array(fc.nat(6), { minLength: 1, maxLength: 6 });
const runners = fc.integer({ min: 1, max: 5 });

function untried(incarnation: string, free: number, placed: number): Candidate {
  return { incarnation, free, placed, givenBack: 'never' };
}

interface Given {
  readonly free: readonly number[];
  readonly runners: number;
  /** The handler of the next start of a runner; undefined for one that has none. */
  readonly nextOf: (runner: number, start: number) => string | undefined;
}

/** All runners place so many starts, knowing of what is free when they began and of what they have placed themselves. */
function placeAtOnce({ free, runners, nextOf }: Given, startsOfEach: number): readonly number[] {
  const total = free.map(() => 0);
  for (let index = 0; index < runners; index++) {
    const placed = free.map(() => 0);
    for (let start = 0; start < startsOfEach; start++) {
      const candidates = free.map((slots, at) => untried(`e${at}`, slots, placed[at] ?? 0));
      const handler = nextOf(index, start);
      const preference: Preference = handler === undefined ? { turn: start } : { handler };
      const chosen = names(free.length).indexOf(
        chooseExecutor(candidates, { index, count: runners }, preference) ?? '',
      );
      placed[chosen] = (placed[chosen] ?? 0) + 1;
      total[chosen] = (total[chosen] ?? 0) + 1;
    }
  }
  return total;
}

describe(chooseExecutor.name, () => {
  const handlers = fc.infiniteStream(fc.constantFrom('a', 'b', undefined));

  it('gives no executor more than it has free, whatever several runners place at once, each its share of the whole', () => {
    fc.assert(
      fc.property(free, runners, handlers, (free, runners, handlers) => {
        const share = Math.floor(free.reduce((sum, each) => sum + each, 0) / runners);
        const nextOf = () => handlers.next().value as string | undefined;
        const placed = placeAtOnce({ free, runners, nextOf }, share);
        for (const [at, count] of placed.entries()) expect(count).toBeLessThanOrEqual(free[at] ?? 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves none idle to one runner that has more than its share, while the others have nothing', () => {
    fc.assert(
      fc.property(free, runners, (free, runners) => {
        const all = free.reduce((sum, each) => sum + each, 0);
        const rank = { index: runners - 1, count: runners };
        const placed = free.map(() => 0);
        for (let start = 0; start < all; start++) {
          const candidates = free.map((slots, at) => untried(`e${at}`, slots, placed[at] ?? 0));
          const chosen = chooseExecutor(candidates, rank, { handler: 'a' }) ?? '';
          const at = names(free.length).indexOf(chosen);
          placed[at] = (placed[at] ?? 0) + 1;
        }
        expect(placed).toEqual(free);
      }),
    );
  });

  it('finds a handler at one executor for all runners, while each executor has room for one of every runner', () => {
    const candidates = names(4).map((incarnation) => untried(incarnation, 3, 0));
    const at = (index: number, handler: string) => chooseExecutor(candidates, { index, count: 3 }, { handler });
    for (const handler of ['a', 'b', 'c']) expect(new Set([0, 1, 2].map((index) => at(index, handler))).size).toBe(1);
  });

  it('sends nothing to a line of ours while another executor has something left that is within our part', () => {
    const amount = fc.integer({ min: -8, max: 8 });
    const executors = fc.array(fc.record({ free: amount, placed: amount }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(executors, runners, (executors, count) => {
        const candidates = executors.map(({ free, placed }, at) => untried(`e${at}`, free, placed));
        const chosen = chooseExecutor(candidates, { index: 0, count }, { turn: 0 });
        const leftAt = ({ free, placed }: Candidate) => free - placed;
        const isWithin = ({ free, placed }: Candidate) => free > 0 && Math.floor(free / count) > placed;
        const hasRoom = candidates.some((each) => isWithin(each) && leftAt(each) > 0);
        const found = candidates.find(({ incarnation }) => incarnation === chosen);
        if (hasRoom && found !== undefined) expect(leftAt(found)).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('prefers who is ours by part to our own line at another', () => {
    const [line, part] = [untried('line', -5, -3), untried('part', 1, 0)];
    expect(chooseExecutor([line, part], { index: 2, count: 3 }, { turn: 0 })).toBe('part');
  });

  it('comes back to who has given it back only where no other has anything left, and last to who still has no room', () => {
    const full = untried('full', 0, 0);
    const once: Candidate = { incarnation: 'once', free: 9, placed: 0, givenBack: 'once' };
    const still: Candidate = { incarnation: 'still', free: 9, placed: 0, givenBack: 'still' };
    const choose = (...candidates: readonly Candidate[]) =>
      chooseExecutor(candidates, { index: 0, count: 1 }, { handler: 'a' });
    expect(choose(untried('free', 1, 0), once, still)).toBe('free');
    expect(choose(full, once, still)).toBe('once');
    expect(choose(full, still)).toBe('full');
    expect(choose(still, { ...still, incarnation: 'other', free: 1 })).toBe('still');
  });

  it('has no executor where there is none', () => {
    expect(chooseExecutor([], { index: 0, count: 2 }, { handler: 'a' })).toBeUndefined();
    expect(chooseExecutor([], { index: 0, count: 2 }, { turn: 3 })).toBeUndefined();
  });
});

describe(rankAmong.name, () => {
  it('is another one for each that lives, whoever lists them', () => {
    const alive = ['r3', 'r1', 'r2'];
    expect(alive.map((own) => rankAmong(own, alive))).toEqual([2, 0, 1].map((index) => ({ index, count: 3 })));
    expect(rankAmong('r2', alive.toReversed())).toEqual({ index: 1, count: 3 });
  });

  it('is that of one alone for who is not listed yet', () => {
    expect(rankAmong('new', ['r1', 'r2'])).toEqual({ index: 0, count: 1 });
  });
});
