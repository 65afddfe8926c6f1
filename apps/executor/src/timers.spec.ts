import fc from 'fast-check';
import { Log } from '@ryax/platform';
import { VirtualTime } from './testing/virtual-time';
import { Timers } from './timers';

describe('timers', () => {
  const lines: string[] = [];
  let time: VirtualTime;
  let timers: Timers;
  beforeEach(() => {
    lines.length = 0;
    time = new VirtualTime();
    timers = new Timers(time, new Log({ service: 'test', write: (line) => lines.push(line) }), time.alarm);
  });

  it('calls back when it is due, not before', async () => {
    const called = jest.fn();
    timers.after(100, called);
    await time.advance(99);
    expect(called).not.toHaveBeenCalled();
    await time.advance(1);
    expect(called).toHaveBeenCalledTimes(1);
  });

  it('holds ten thousand with one alarm of the system', async () => {
    let fired = 0;
    for (let n = 0; n < 10_000; n++) timers.after(1_000 + (n % 7), () => fired++);
    expect(time.alarms).toBe(1);
    await time.advance(1_010);
    expect(fired).toBe(10_000);
    expect(time.alarms).toBe(0);
  });

  it('calls in order of time, and leaves out what was cancelled, for any timers', async () => {
    const timer = fc.record({ ms: fc.nat(1_000), cancelled: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(timer, { maxLength: 200 }), async (planned) => {
        const fired: number[] = [];
        const handles = planned.map(({ ms }) => timers.after(ms, () => fired.push(ms)));
        planned.forEach(({ cancelled }, index) => cancelled && handles[index]?.cancel());
        time.freeze(1_000);
        await time.advance(0);
        const kept = planned.filter(({ cancelled }) => !cancelled).map(({ ms }) => ms);
        expect(fired).toEqual(kept.sort((one, other) => one - other));
        expect(timers.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on after a callback that failed, and says so', async () => {
    const called = jest.fn();
    timers.after(1, () => {
      throw new Error('broken');
    });
    timers.after(1, called);
    await time.advance(1);
    expect(called).toHaveBeenCalled();
    expect(lines.join()).toContain('broken');
  });

  it('waits longer than the longest alarm that the system knows', async () => {
    const called = jest.fn();
    const month = 30 * 24 * 60 * 60 * 1000;
    timers.after(month, called);
    await time.advance(month - 1);
    expect(called).not.toHaveBeenCalled();
    await time.advance(1);
    expect(called).toHaveBeenCalled();
  });

  it('waits for a promise no longer than it is told', async () => {
    const answer = timers.atMost(50, new Promise(() => undefined));
    await time.advance(50);
    expect(await answer).toBe(false);
    expect(await timers.atMost(50, Promise.resolve())).toBe(true);
    expect(timers.size).toBe(0);
  });

  it('calls nothing after it was closed', async () => {
    const called = jest.fn();
    timers.after(1, called);
    timers.close();
    timers.after(1, called);
    await time.advance(10);
    expect(called).not.toHaveBeenCalled();
    expect(time.alarms).toBe(0);
  });
});
