import { ActionServerRefusal } from './action-server';
import { untilReached } from './reach';

const refusedConnection = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const clock = { monotonicMs: () => performance.now() };
const { signal } = new AbortController();
const server = { name: 'The server', advice: 'Look at its image' };

describe('a request to the server in a pod', () => {
  it('is repeated while the server is not reached, or fails of itself', async () => {
    const errors = [refusedConnection(), new ActionServerRefusal(500, 'disk full')];
    const act = () => {
      const error = errors.shift();
      return error === undefined ? Promise.resolve('done') : Promise.reject(error);
    };
    expect(await untilReached(act, { server, clock, signal, gone: () => undefined }, 10_000)).toBe('done');
  });

  it('is not repeated where it was refused', async () => {
    let tries = 0;
    const act = () => Promise.reject(new ActionServerRefusal(403, `try ${++tries}`));
    const refused = untilReached(act, { server, clock, signal, gone: () => undefined }, 10_000);
    await expect(refused).rejects.toMatchObject({ status: 403, reason: 'try 1' });
  });

  it('is not repeated for ever where a server may fail of itself but so often', async () => {
    let tries = 0;
    const act = () =>
      Promise.reject(++tries % 2 === 0 ? refusedConnection() : new ActionServerRefusal(500, `try ${tries}`));
    const refused = untilReached(act, { server, clock, signal, gone: () => undefined, mostFailures: 2 }, 10_000);
    await expect(refused).rejects.toMatchObject({ status: 500, reason: 'try 3' });
  });

  it('is given up when patience ends, counted from its first failure', async () => {
    let nowMs = 0;
    const times = { monotonicMs: () => (nowMs += 1_000) };
    const act = () => Promise.reject(refusedConnection());
    const lost = untilReached(act, { server, clock: times, signal, gone: () => undefined }, 2_000);
    await expect(lost).rejects.toMatchObject({
      failure: {
        kind: 'lost',
        message: expect.stringMatching(
          /^The server was not reached for 2 s: .*ECONNREFUSED\. Look at its image$/,
        ) as string,
      },
    });
  });

  /** A first try that breaks off at once, then one that goes on for longer than there is patience. */
  const breaksOffLate = (move: (gotOn: () => void, passMs: (ms: number) => void) => void) => {
    let nowMs = 0;
    let tries = 0;
    const act = (gotOn: () => void) => {
      tries++;
      if (tries === 1) nowMs += 10;
      if (tries === 2) move(gotOn, (ms) => (nowMs += ms));
      return tries < 3 ? Promise.reject(refusedConnection()) : Promise.resolve('done');
    };
    return untilReached(act, { server, clock: { monotonicMs: () => nowMs }, signal, gone: () => undefined }, 10_000);
  };

  it('goes on with its patience after a try that had got on for long', async () => {
    const done = breaksOffLate((gotOn, passMs) => {
      gotOn();
      passMs(60_000);
      gotOn();
      passMs(10);
    });
    expect(await done).toBe('done');
  });

  it('has none left after a try that took long, and did not get on', async () => {
    await expect(breaksOffLate((_gotOn, passMs) => passMs(60_000))).rejects.toMatchObject({
      failure: { kind: 'lost', message: expect.stringMatching(/not reached for 10 s/) as string },
    });
  });

  it('has all patience while tries get on, however short each of them is', async () => {
    let nowMs = 0;
    let tries = 0;
    const act = (gotOn: () => void) => {
      tries++;
      gotOn();
      nowMs += 9_000;
      gotOn();
      return tries < 4 ? Promise.reject(refusedConnection()) : Promise.resolve('done');
    };
    const times = { monotonicMs: () => nowMs };
    expect(await untilReached(act, { server, clock: times, signal, gone: () => undefined }, 10_000)).toBe('done');
  });

  it('is given up as soon as the server is known to be gone', async () => {
    const act = () => Promise.reject(refusedConnection());
    const lost = untilReached(act, { server, clock, signal, gone: () => 'It has ended' }, 10_000);
    await expect(lost).rejects.toMatchObject({ failure: { kind: 'lost', message: 'It has ended' } });
  });
});
