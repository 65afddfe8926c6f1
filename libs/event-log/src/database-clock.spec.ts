import { DatabaseClock } from './database-clock';

describe('the clock of the database', () => {
  let monotonicMs: number;
  let clock: DatabaseClock;
  const hourMs = 3_600_000;

  beforeEach(() => {
    monotonicMs = 1_000;
    clock = new DatabaseClock(() => monotonicMs);
  });

  /** An answer that took `tookMs`, given by the database in the middle. */
  const hear = (databaseMs: number, tookMs: number) => {
    clock.learn({ databaseMs, askedAt: monotonicMs - tookMs, answeredAt: monotonicMs });
  };

  it('refuses to guess before the first answer', () => {
    expect(() => clock.now()).toThrow('found no reading');
  });

  it('advances by the monotonic clock', () => {
    hear(50_000, 0);
    monotonicMs += 2_500.7;

    expect(clock.now()).toBe(52_500);
  });

  it('takes the answer for the time in the middle of question and answer', () => {
    hear(50_000, 10);

    expect(clock.now()).toBe(50_005);
  });

  it('keeps a sharp reading when a blunt one that agrees comes later', () => {
    hear(50_000, 2);
    hear(49_960, 100);

    expect(clock.now()).toBe(50_001);
  });

  it('prefers a sharper reading', () => {
    hear(49_960, 100);
    hear(50_000, 2);

    expect(clock.now()).toBe(50_001);
  });

  it('prefers a blunt reading to one so old that it may have drifted further', () => {
    hear(50_000, 2);
    monotonicMs += hourMs;
    hear(50_000 + hourMs - 900, 100);

    expect(clock.now()).toBe(50_000 + hourMs - 850);
  });

  it.each([hourMs, -hourMs])('follows a database whose clock was set by %d ms', (step) => {
    hear(50_000, 2);
    hear(50_000 + step, 100);

    expect(clock.now()).toBe(50_050 + step);
  });

  it('learns from what it asks', async () => {
    const answer = await clock.refresh(() => {
      monotonicMs += 4;
      return Promise.resolve(70_000);
    });

    expect(answer).toBe(70_000);
    expect(clock.now()).toBe(70_002);
  });
});
