import { infrastructureRetry, nextRetry } from './retry-policy';

const plan = {
  maxAttempts: 4,
  initialIntervalMs: 100,
  maxIntervalMs: 300,
  multiplier: 2,
  on: new Set(['crash', 'image']),
};
const unused = { userRetries: 0, infrastructureRetries: 0 };

describe('the retry policy', () => {
  it.each([
    [0, 100],
    [1, 200],
    [2, 300],
  ])('pauses after %d retries for a random share of %d ms', (userRetries, bound) => {
    const pause = (random: number) => nextRetry('crash', plan, { ...unused, userRetries }, () => random)?.delayMs;
    expect([pause(0), pause(0.5), pause(1)]).toEqual([0, bound / 2, bound]);
  });

  it('grants attempts in all, the first included', () => {
    expect(nextRetry('crash', plan, { ...unused, userRetries: 3 }, () => 0)).toBeNull();
    expect(nextRetry('crash', { ...plan, maxAttempts: 1 }, unused, () => 0)).toBeNull();
  });

  it('retries what was lost on the engine’s own account', () => {
    expect(nextRetry('lost', { ...plan, maxAttempts: 1 }, unused, () => 1)).toEqual({
      budget: 'infrastructure',
      delayMs: 1_000,
    });
  });

  it('takes from the user’s budget what the user named, once the engine’s own is used up', () => {
    const used = { userRetries: 0, infrastructureRetries: infrastructureRetry.maxAttempts - 1 };
    expect(nextRetry('image', plan, used, () => 0)).toEqual({ budget: 'user', delayMs: 0 });
    expect(nextRetry('lost', plan, used, () => 0)).toBeNull();
  });

  it('never pauses longer than the bound, however many retries there were', () => {
    expect(
      nextRetry('crash', { ...plan, maxAttempts: 10_000 }, { ...unused, userRetries: 5_000 }, () => 1)?.delayMs,
    ).toBe(300);
  });
});
