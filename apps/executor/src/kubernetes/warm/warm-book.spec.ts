import type { Amounts } from './amounts';
import { WarmBook, type PodKind } from './warm-book';

const one = { slots: 1, cpu: 0, memory_bytes: 0, gpu: 0 };
const two = { ...one, slots: 2 };
const [a, b, c]: readonly [PodKind, PodKind, PodKind] = [
  { key: 'a', amounts: one },
  { key: 'b', amounts: one },
  { key: 'c', amounts: one },
];

describe('the book of warm pods', () => {
  function open(slots: number, more: Partial<Amounts> = {}) {
    let names = 0;
    return new WarmBook<PodKind>(
      { ...one, slots, ...more },
      { idleMs: 1_000, reportingMs: 100, unreportedMs: 50_000 },
      () => `pod-${++names}`,
    );
  }

  it('makes as many pods as attempts wait, and gives the first that is ready to the first that came', () => {
    const book = open(3);
    expect(book.request('first', a, 0)).toEqual([{ type: 'create', pod: 'pod-1', kind: a }]);
    expect(book.request('second', a, 0)).toEqual([{ type: 'create', pod: 'pod-2', kind: a }]);
    expect(book.becomes('pod-2', 'idle', 10)).toEqual([{ type: 'run', attempt: 'first', pod: 'pod-2' }]);
    expect(book.becomes('pod-1', 'idle', 20)).toEqual([{ type: 'run', attempt: 'second', pod: 'pod-1' }]);
  });

  it('takes the pod that was used last, so that the others come to the end of their time', () => {
    const book = open(3);
    book.request('first', a, 0);
    book.request('second', a, 0);
    book.becomes('pod-1', 'idle', 0);
    book.becomes('pod-2', 'idle', 0);
    book.becomes('pod-2', 'idle', 10);
    book.becomes('pod-1', 'idle', 20);
    expect(book.request('third', a, 30)).toEqual([{ type: 'run', attempt: 'third', pod: 'pod-1' }]);
    expect(book.tick(1_010)).toEqual([{ type: 'remove', pod: 'pod-2' }]);
  });

  it('waits for a pod whose attempt has just ended, for a while', () => {
    const book = open(2);
    book.request('first', a, 0);
    book.becomes('pod-1', 'idle', 0);
    book.becomes('pod-1', 'reporting', 10);
    expect(book.request('second', a, 20)).toEqual([]);
    expect(book.tick(119)).toEqual([]);
    expect(book.tick(120)).toEqual([{ type: 'create', pod: 'pod-2', kind: a }]);
  });

  it('gives a pod up whose attempt cannot be reported', () => {
    const book = open(2);
    book.request('first', a, 0);
    book.becomes('pod-1', 'idle', 0);
    book.becomes('pod-1', 'reporting', 0);
    expect(book.tick(49_999)).toEqual([]);
    expect(book.tick(50_000)).toEqual([{ type: 'remove', pod: 'pod-1' }]);
  });

  it('fails who waits when its pod cannot be made, unless another one is on its way for it', () => {
    const book = open(2);
    book.request('first', a, 0);
    book.request('second', a, 0);
    book.withdraw('second', 0);
    expect(book.gone('pod-1', 10)).toEqual([]);
    expect(book.gone('pod-2', 10)).toEqual([{ type: 'fail', attempt: 'first' }]);
  });

  it('makes another pod when one on its way has become another executor’s', () => {
    const book = open(2);
    book.request('first', a, 0);
    expect(book.left('pod-1', 10)).toEqual([{ type: 'create', pod: 'pod-2', kind: a }]);
  });

  it('makes room for what has a pod of its own', () => {
    const book = open(1);
    book.request('first', a, 0);
    book.becomes('pod-1', 'idle', 0);
    book.becomes('pod-1', 'idle', 1);
    expect(book.occupy('command', one, 2)).toEqual([{ type: 'remove', pod: 'pod-1' }]);
  });

  it('gives up idle pods, and those on their way for nobody, where its share becomes smaller', () => {
    const book = open(3);
    book.request('first', a, 0);
    book.request('second', b, 0);
    book.becomes('pod-1', 'idle', 0);
    book.becomes('pod-1', 'idle', 1);
    book.withdraw('second', 2);
    expect(book.resize({ ...one, slots: 1 }, 3)).toEqual([{ type: 'remove', pod: 'pod-1' }]);
    expect(book.resize({ ...one, slots: 0 }, 3)).toEqual([{ type: 'remove', pod: 'pod-2' }]);
  });

  describe('makes a pod ahead', () => {
    it('once, where no other is of its kind; who comes meanwhile takes it, and its idle time begins when it is ready', () => {
      const book = open(4);
      expect(book.prewarm(a, 0)).toEqual([{ type: 'prewarm', pod: 'pod-1', kind: a }]);
      expect(book.prewarm(a, 0)).toEqual([]);
      expect(book.prewarm(b, 0)).toEqual([{ type: 'prewarm', pod: 'pod-2', kind: b }]);
      expect(book.request('first', a, 500)).toEqual([]);
      expect(book.becomes('pod-1', 'idle', 900)).toEqual([{ type: 'run', attempt: 'first', pod: 'pod-1' }]);
      expect(book.becomes('pod-2', 'idle', 900)).toEqual([]);
      expect(book.tick(1_899)).toEqual([]);
      expect(book.tick(1_900)).toEqual([{ type: 'remove', pod: 'pod-2' }]);
    });

    it('in half of what is free, and no more of them before one has become somebody’s', () => {
      const book = open(5);
      const made = (kind: PodKind) => book.prewarm(kind, 0).map(({ type }) => type);
      expect([made(a), made(b), made(c)]).toEqual([['prewarm'], ['prewarm'], []]);
      book.becomes('pod-1', 'idle', 1);
      book.request('first', a, 2);
      expect(made(c)).toEqual(['prewarm']);
    });

    it('of what there is least, too: no GPU where one is free', () => {
      const book = open(9, { gpu: 1 });
      expect(book.prewarm({ key: 'gpu', amounts: { ...one, gpu: 1 } }, 0)).toEqual([]);
    });

    it('beside all that is there, be it idle, and in nobody’s place', () => {
      const book = open(3);
      book.request('first', a, 0);
      book.becomes('pod-1', 'idle', 0);
      book.becomes('pod-1', 'idle', 1);
      book.occupy('command', one, 1);
      expect(book.prewarm(b, 2)).toEqual([]);
      book.release('command', 3);
      expect(book.prewarm(b, 4)).toEqual([{ type: 'prewarm', pod: 'pod-2', kind: b }]);
    });

    it('beside what may yet have to be made for who waits', () => {
      const book = open(3);
      book.request('first', a, 0);
      book.becomes('pod-1', 'idle', 0);
      book.becomes('pod-1', 'reporting', 1);
      book.request('second', a, 2);
      expect(book.prewarm(b, 3)).toEqual([]);
      expect(book.tick(102)).toEqual([{ type: 'create', pod: 'pod-2', kind: a }]);
    });

    it('that is as any other once it was used', () => {
      const book = open(3);
      book.prewarm(a, 0);
      book.becomes('pod-1', 'idle', 1);
      book.request('first', a, 2);
      book.becomes('pod-1', 'idle', 3);
      book.prewarm(b, 4);
      book.becomes('pod-2', 'idle', 5);
      expect(book.occupy('command', two, 6)).toEqual([{ type: 'remove', pod: 'pod-2' }]);
    });

    it('that gives way before those that were used, however long those have been idle', () => {
      const book = open(3);
      book.request('first', a, 0);
      book.becomes('pod-1', 'idle', 0);
      book.becomes('pod-1', 'idle', 1);
      book.prewarm(b, 2);
      book.becomes('pod-2', 'idle', 3);
      expect(book.occupy('command', two, 4)).toEqual([{ type: 'remove', pod: 'pod-2' }]);
      book.release('command', 5);
      book.prewarm(b, 6);
      expect(book.occupy('command', two, 7)).toEqual([{ type: 'remove', pod: 'pod-3' }]);
      expect(book.occupy('another', one, 8)).toEqual([{ type: 'remove', pod: 'pod-1' }]);
    });

    it('that all go for whoever waits for a node, but for those that were used, or are waited for', () => {
      const book = open(9);
      book.request('first', c, 0);
      book.becomes('pod-1', 'idle', 0);
      book.becomes('pod-1', 'idle', 1);
      for (const kind of [a, b, { key: 'd', amounts: one }]) book.prewarm(kind, 2);
      book.becomes('pod-2', 'idle', 3);
      book.request('second', b, 3);
      expect(book.giveWay(4)).toEqual([
        { type: 'remove', pod: 'pod-2' },
        { type: 'remove', pod: 'pod-4' },
      ]);
      expect(book.giveWay(5)).toEqual([]);
      expect(book.becomes('pod-3', 'idle', 6)).toEqual([{ type: 'run', attempt: 'second', pod: 'pod-3' }]);
    });

    it('whose failure is nobody’s: who waits for it gets another, and fails with that', () => {
      const book = open(2);
      book.prewarm(a, 0);
      book.request('first', a, 1);
      expect(book.gone('pod-1', 2)).toEqual([{ type: 'create', pod: 'pod-2', kind: a }]);
      expect(book.gone('pod-2', 3)).toEqual([{ type: 'fail', attempt: 'first' }]);
      expect(book.tick(4)).toEqual([]);
    });
  });

  it('keeps a pod that has not said what it runs, whatever room it takes', () => {
    const book = open(1);
    expect(book.add('theirs', a, 0)).toEqual([]);
    expect(book.resize({ ...one, slots: 0 }, 1)).toEqual([]);
    expect(book.tick(10_000)).toEqual([]);
    expect(book.becomes('theirs', 'idle', 10_000)).toEqual([{ type: 'remove', pod: 'theirs' }]);
  });

  it('keeps thousands of pods without looking through them at each event', () => {
    const pods = 5_000;
    const kinds = Array.from({ length: 50 }, (_, at) => ({ key: `kind-${at}`, amounts: { ...one, cpu: 0.1 } }));
    const kindAt = (at: number) => kinds[at % kinds.length] ?? a;
    let names = 0;
    const rules = { idleMs: 1_000, reportingMs: 100, unreportedMs: 50_000 };
    const book = new WarmBook<PodKind>({ ...one, slots: pods, cpu: pods }, rules, () => `pod-${++names}`);
    const beganAtMs = performance.now();
    for (let at = 1; at <= pods; at++) book.request(`first-${at}`, kindAt(at), 0);
    for (let at = 1; at <= pods; at++) book.becomes(`pod-${at}`, 'idle', 1);
    for (let at = 1; at <= pods; at++) book.becomes(`pod-${at}`, 'idle', 2);
    let runs = 0;
    for (let at = 1; at <= pods; at++) {
      const [order] = book.request(`second-${at}`, kindAt(at), 3);
      if (order?.type !== 'run') continue;
      runs++;
      book.becomes(order.pod, 'idle', 3);
    }
    expect(runs).toBe(pods);
    expect(book.used.cpu).toBe(pods / 10);
    expect(book.tick(1_003)).toHaveLength(pods);
    expect(book.used).toEqual({ slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 });
    // Looking through all of them took minutes.
    expect(performance.now() - beganAtMs).toBeLessThan(10_000);
  });
});
