import { RoomLine } from './room-line';

const longMs = 60_000;
const { signal } = new AbortController();

describe('the line for room', () => {
  const settled = () => new Promise(setImmediate);

  it('gives each end to one alone, to whom has waited longest', async () => {
    const line = new RoomLine();
    const order: string[] = [];
    const wait = async (name: string) => order.push(`${name} ${(await line.turn(longMs, signal)) ? 'goes' : 'waited'}`);
    const all = ['first', 'second', 'third'].map(wait);

    line.freed();
    await settled();
    expect(order).toEqual(['first goes']);
    line.freed();
    line.freed();
    await Promise.all(all);
    expect(order).toEqual(['first goes', 'second goes', 'third goes']);
  });

  it('keeps nobody longer than wanted, and gives him no turn afterwards', async () => {
    const line = new RoomLine();
    expect(await line.turn(1, signal)).toBe(false);
    const next = line.turn(longMs, signal);
    line.freed();
    expect(await next).toBe(true);
  });

  it('is left at once by whom is stopped', async () => {
    const line = new RoomLine();
    const stop = new AbortController();
    const stopped = line.turn(longMs, stop.signal);
    const next = line.turn(longMs, signal);
    stop.abort();
    expect(await stopped).toBe(false);
    line.freed();
    expect(await next).toBe(true);
    expect(await line.turn(longMs, stop.signal)).toBe(false);
  });
});
