import type { FailureKind } from '@ryax/contracts';
import * as fc from 'fast-check';
import { countOf, imageRetry, infrastructureRetry, nextRetry, type RetriesUsed } from './retry-policy';

const plan = {
  maxAttempts: 4,
  initialIntervalMs: 100,
  maxIntervalMs: 300,
  multiplier: 2,
  on: new Set(['crash', 'image']),
};
/** Of an action that says nothing of retries. */
const userless = { ...plan, maxAttempts: 1 };
const unused = { userRetries: 0, infrastructureRetries: 0, imageRetries: 0 };

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
    const used = {
      userRetries: 0,
      infrastructureRetries: infrastructureRetry.maxAttempts - 1,
      imageRetries: imageRetry.maxAttempts - 1,
    };
    expect(nextRetry('image', plan, used, () => 0)).toEqual({ budget: 'user', delayMs: 0 });
    expect(nextRetry('lost', plan, used, () => 0)).toBeNull();
  });

  it('grants an image that cannot be had three attempts, however many were lost before', () => {
    const image = (used: Partial<RetriesUsed>) => nextRetry('image', userless, { ...unused, ...used }, () => 0)?.budget;
    expect(image({ infrastructureRetries: 9 })).toBe('infrastructure');
    expect(image({ imageRetries: 1 })).toBe('infrastructure');
    expect(image({ imageRetries: 2 })).toBeUndefined();
  });

  it('grants each kind of the infrastructure’s failures its own attempts, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<FailureKind>('lost', 'image'), { maxLength: 20 }), (kinds) => {
        const used = { ...unused };
        for (const kind of kinds) {
          const retry = nextRetry(kind, userless, used, () => 0);
          if (retry !== null) used[countOf(retry.budget, kind)]++;
        }
        const most = (of: FailureKind, attempts: number) =>
          Math.min(kinds.filter((kind) => kind === of).length, attempts - 1);
        expect(used).toEqual({
          userRetries: 0,
          infrastructureRetries: most('lost', 10),
          imageRetries: most('image', 3),
        });
      }),
    );
  });

  it('never pauses longer than the bound, however many retries there were', () => {
    expect(
      nextRetry('crash', { ...plan, maxAttempts: 10_000 }, { ...unused, userRetries: 5_000 }, () => 1)?.delayMs,
    ).toBe(300);
  });
});
