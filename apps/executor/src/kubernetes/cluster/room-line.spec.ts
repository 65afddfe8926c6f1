import { RoomLine } from './room-line';

const longMs = 60_000;
const { signal } = new AbortController();
const settled = () => new Promise(setImmediate);

describe('the line for room', () => {
  let line: RoomLine;
  let order: string[];
  beforeEach(() => {
    line = new RoomLine();
    order = [];
  });

  /** Waits for its turn, as one that was refused does. */
  const inLine = (name: string, stop: AbortSignal = signal) => {
    const place = line.place();
    place.tries();
    const waited = place.turn(longMs, stop).then((isTurn) => order.push(`${name} ${isTurn ? 'goes' : 'leaves'}`));
    return { place, waited };
  };

  it('gives an end to one alone, whose last try is longest ago', async () => {
    const [first, , third] = ['first', 'second', 'third'].map((name) => inLine(name));
    line.freed();
    await settled();
    expect(order).toEqual(['first goes']);
    void first?.place.turn(longMs, signal).then(() => order.push('first goes again'));
    line.freed();
    line.freed();
    await third?.waited;
    line.freed();
    await settled();
    expect(order).toEqual(['first goes', 'second goes', 'third goes', 'first goes again']);
  });

  it('passes a turn on when one has found room, or has gone: there may be room for more', async () => {
    const [first, , third] = ['first', 'second', 'third'].map((name) => inLine(name));
    line.freed();
    await first?.waited;
    first?.place.leave();
    await settled();
    expect(order).toEqual(['first goes', 'second goes']);
    // Nothing is left to be passed on.
    first?.place.leave();
    await settled();
    expect(order).toHaveLength(2);
    line.freed();
    await third?.waited;
  });

  it('passes no turn on that was in vain: the room was not enough', async () => {
    const first = inLine('first');
    line.freed();
    await first.waited;
    const second = inLine('second');
    const stop = new AbortController();
    const again = first.place.turn(longMs, stop.signal);
    stop.abort();
    expect(await again).toBe(false);
    first.place.leave();
    await settled();
    expect(order).toEqual(['first goes']);
    line.freed();
    await second.waited;
  });

  it('gives a turn at once for what has ended during a try, to one alone', async () => {
    const [place, other] = [line.place(), line.place()];
    place.tries();
    other.tries();
    line.freed();
    expect(await place.turn(longMs, signal)).toBe(true);
    expect(await other.turn(1, signal)).toBe(false);
    place.tries();
    expect(await place.turn(1, signal)).toBe(false);
  });

  it('gives no turn for an end that another one was given', async () => {
    const first = inLine('first');
    const place = line.place();
    place.tries();
    line.freed();
    await first.waited;
    expect(await place.turn(1, signal)).toBe(false);
  });

  it('gives another turn for what has ended between a turn and its try', async () => {
    const { place, waited } = inLine('first');
    line.freed();
    line.freed();
    await waited;
    place.tries();
    expect(await place.turn(longMs, signal)).toBe(true);
  });

  it('keeps nobody longer than wanted, nor who is stopped, and gives them no turn afterwards', async () => {
    const stop = new AbortController();
    const brief = line.place().turn(1, signal);
    const stopped = inLine('stopped', stop.signal);
    const next = inLine('next');
    expect(await brief).toBe(false);
    stop.abort();
    await stopped.waited;
    line.freed();
    await next.waited;
    expect(order).toEqual(['stopped leaves', 'next goes']);
    expect(await stopped.place.turn(longMs, stop.signal)).toBe(false);
  });
});
