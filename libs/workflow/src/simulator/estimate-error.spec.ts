import fc from 'fast-check';
import { action, literal, workflow } from '../run/testing/plan-builder';
import { estimateCompletion } from './estimate';
import { simulate } from './simulate';

/** Layers of fans, each after the one before, as in most scientific workflows. */
const layers = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 6 });
const slots = fc.integer({ min: 1, max: 8 });
/** How far from its mean an execution's duration may be, as a share of it. */
const spread = 0.3;
const meanMs = 1_000;

/** Numbers in [-1, 1), evenly, always the same for one seed (a linear congruential generator, Numerical Recipes). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

describe('the error of an estimate', () => {
  it('stays below a third of what the run takes, when durations vary by a third around what was seen before', () => {
    const errors: number[] = [];
    fc.assert(
      fc.property(layers, slots, fc.nat(), (widths, free, seed) => {
        const noise = uniform(seed);
        const actions = widths.map((width, layer) =>
          action(`layer_${layer}`, {
            forEach: literal(Array.from({ length: width }, (_element, index) => index)),
            ...(layer === 0 ? {} : { after: [`layer_${layer - 1}`] }),
          }),
        );
        const plan = workflow({ actions });
        const basis = { inputs: {}, slots: () => free, observed: () => ({ meanMs, deviationMs: meanMs * spread }) };
        const estimate = estimateCompletion(plan, basis);
        const { makespanMs, status } = simulate({
          plan,
          slots: () => free,
          perform: () => ({
            durationMs: meanMs * (1 + spread * noise()),
            outcome: { status: 'succeeded', outputs: {} },
          }),
        });
        expect(status).toBe('succeeded');
        const error = Math.abs(estimate.duration_ms - makespanMs) / makespanMs;
        errors.push(error);
        expect(error).toBeLessThan(1 / 3);
      }),
      { seed: 7, numRuns: 200 },
    );
    errors.sort((left, right) => left - right);
    expect(errors[errors.length >> 1]).toBeLessThan(0.1);
  });
});
