import { Wakes } from './wakes';

describe(Wakes.name, () => {
  const never = new AbortController().signal;
  const hour = 3_600_000;

  it('ends a sleep by a wake, also by one that came before the sleep began', async () => {
    const wakes = new Wakes();
    const seen = wakes.last;
    const sleeping = wakes.sleep(seen, hour, never);
    wakes.wake();
    await sleeping;
    await wakes.sleep(seen, hour, never);
  });

  it('ends no rest by a wake, but by a hurry, also by one that came before the rest began', async () => {
    const wakes = new Wakes();
    const seen = wakes.lastHurry;
    let rested = false;
    const resting = wakes.rest(seen, hour, never).then(() => (rested = true));
    wakes.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(rested).toBe(false);
    wakes.hurry();
    await resting;
    await wakes.rest(seen, hour, never);
  });

  it('ends both when it is aborted', async () => {
    const wakes = new Wakes();
    const abort = new AbortController();
    const waits = [wakes.sleep(wakes.last, hour, abort.signal), wakes.rest(wakes.lastHurry, hour, abort.signal)];
    abort.abort();
    await Promise.all(waits);
  });
});
