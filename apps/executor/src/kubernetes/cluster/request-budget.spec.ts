import { Clock } from '@ryax/platform';
import { RequestBudget, type Rate } from './request-budget';

const never = new AbortController().signal;

/** Time goes on when somebody waits. */
class SteppedClock extends Clock {
  nowMs = 0;

  override monotonicMs(): number {
    return this.nowMs;
  }

  readonly rest = (ms: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    this.nowMs += ms;
    return Promise.resolve();
  };
}

function budgetOf(rate: Rate) {
  const clock = new SteppedClock();
  return { clock, budget: new RequestBudget(rate, clock, clock.rest) };
}

describe('a budget of requests', () => {
  it('lets a burst through at once, and the others at its rate', async () => {
    const { clock, budget } = budgetOf({ perSecond: 10, burst: 5 });
    const takenAt: number[] = [];
    for (let index = 0; index < 25; index++) {
      await budget.take(never);
      takenAt.push(clock.nowMs);
    }
    expect(takenAt.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(takenAt.slice(5)).toEqual(Array.from({ length: 20 }, (_, index) => 100 * (index + 1)));
  });

  it('is full again after a quiet time, and never more than full', async () => {
    const { clock, budget } = budgetOf({ perSecond: 10, burst: 2 });
    clock.nowMs = 1e6;
    for (let index = 0; index < 3; index++) await budget.take(never);
    expect(clock.nowMs).toBe(1e6 + 100);
  });

  it('lets nobody through while the server wants to be left alone', async () => {
    const { clock, budget } = budgetOf({ perSecond: 1_000, burst: 1_000 });
    budget.pause(500);
    budget.pause(200);
    await budget.take(never);
    expect(clock.nowMs).toBe(500);
  });

  it('is not held up by one who gives up', async () => {
    const { clock, budget } = budgetOf({ perSecond: 1, burst: 1 });
    await budget.take(never);
    await expect(budget.take(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    await budget.take(never);
    expect(clock.nowMs).toBe(1_000);
  });

  it('is taken from in the order of arrival', async () => {
    const { budget } = budgetOf({ perSecond: 10, burst: 1 });
    const order: number[] = [];
    await Promise.all([1, 2, 3].map((each) => budget.take(never).then(() => order.push(each))));
    expect(order).toEqual([1, 2, 3]);
  });
});
