import * as fc from 'fast-check';
import type { Plan } from '../definition/plan';
import { action, workflow } from '../run/testing/plan-builder';
import { simulate } from './simulate';
import { scheduleBounds, workAndSpan } from './work-and-span';

interface RandomDag {
  readonly tasks: readonly { readonly back: readonly number[]; readonly durationMs: number }[];
  readonly slots: number;
}

/** Each task waits for none to two of the eight before it: chains of very different lengths beside each other. */
const dag: fc.Arbitrary<RandomDag> = fc.record({
  tasks: fc.array(
    fc.record({
      back: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 2 }),
      durationMs: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: 20, maxLength: 60, size: 'max' },
  ),
  slots: fc.integer({ min: 2, max: 5 }),
});

/** Seeded, so that the average is a figure and not a matter of luck. */
const samples = fc.sample(dag, { seed: 11, numRuns: 400 });

function planOf({ tasks }: RandomDag): Plan {
  return workflow({
    actions: tasks.map(({ back }, index) =>
      action(`a${index}`, { after: back.filter((steps) => steps <= index).map((steps) => `a${index - steps}`) }),
    ),
  });
}

/** Where all are equally high, only the order of readiness is left. */
function firstComeFirst(plan: Plan): Plan {
  return { ...plan, entries: plan.entries.map((entry) => ({ ...entry, height: 0 })) };
}

/** Over the shortest time that any schedule could take. */
function ratio(plan: Plan, slots: number, durationMs: (entry: { readonly number: number }) => number): number {
  const outcome = { status: 'succeeded' as const, outputs: {} };
  const perform = ({ entry }: { readonly entry: { readonly number: number } }) => ({
    durationMs: durationMs(entry),
    outcome,
  });
  const [least, most] = scheduleBounds(workAndSpan(plan, { durationMs, count: () => 1 }), () => slots);
  const { makespanMs } = simulate({ plan, perform, slots: () => slots });
  expect(makespanMs).toBeLessThanOrEqual(most);
  return makespanMs / least;
}

function average(ratios: readonly number[]): number {
  return ratios.reduce((sum, each) => sum + each, 0) / ratios.length;
}

describe('the longest path first', () => {
  it.each([
    ['of equal length', () => 1],
    ['of any length', ({ tasks }: RandomDag, number: number) => tasks[number]?.durationMs ?? 1],
  ])('ends random workflows of tasks %s sooner than first come, first served, on average', (_, length) => {
    const ratios = samples.map((each) => {
      const plan = planOf(each);
      const durationMs = ({ number }: { readonly number: number }) => length(each, number);
      return {
        longest: ratio(plan, each.slots, durationMs),
        first: ratio(firstComeFirst(plan), each.slots, durationMs),
      };
    });
    const longest = average(ratios.map((each) => each.longest));
    const first = average(ratios.map((each) => each.first));
    // A third of what is lost, in truth; far from where chance would decide.
    expect(longest - 1).toBeLessThan((first - 1) / 2);
  });
});
