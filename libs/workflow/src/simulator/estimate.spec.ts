import { action, computed, expression, field, group, literal, ref, workflow } from '../run/testing/plan-builder';
import { estimateCompletion, type EstimateBasis } from './estimate';

const basis: EstimateBasis = { inputs: {}, slots: () => 2, observed: () => ({ meanMs: 100, deviationMs: 20 }) };

describe('an estimate', () => {
  it('comes from the durations of earlier runs and the slots that there are', () => {
    const plan = workflow({ actions: [action('a', { forEach: literal([1, 2, 3]) }), action('b', { after: ['a'] })] });
    expect(estimateCompletion(plan, basis)).toEqual({
      duration_ms: 300,
      range_ms: [240, 360],
      confidence: 1,
      basis: 'simulated; durations of earlier runs',
    });
  });

  it('knows what built-ins take', () => {
    const nap = action('nap', { action: { type: 'builtin', name: 'sleep' }, inputs: { seconds: literal(2) } });
    const noop = action('noop', { after: ['nap'], action: { type: 'builtin', name: 'noop' } });
    const unseen = { ...basis, observed: () => undefined };
    expect(estimateCompletion(workflow({ actions: [nap, noop] }), unseen)).toMatchObject({
      duration_ms: 2_000,
      confidence: 1,
    });
  });

  it('counts the elements of a list that the inputs give', () => {
    const plan = workflow({ actions: [action('a', { forEach: ref('trigger.list') })] });
    const inputs = { list: [1, 2, 3, 4] };
    expect(estimateCompletion(plan, { ...basis, inputs })).toMatchObject({ duration_ms: 200, confidence: 1 });
    const doubled = expression(
      computed(['trigger.list'], (scope) => [field(scope, 'trigger.list'), field(scope, 'trigger.list')].flat()),
    );
    const computedPlan = workflow({ actions: [action('a', { forEach: doubled })] });
    expect(estimateCompletion(computedPlan, { ...basis, inputs })).toMatchObject({ duration_ms: 400, confidence: 1 });
  });

  it('counts the elements of a list in the definition, whatever stands in it', () => {
    const list = { type: 'list' as const, items: [literal(1), ref('trigger.x'), literal(3)] };
    const plan = workflow({ actions: [action('a', { forEach: { in: list } })] });
    expect(estimateCompletion(plan, basis)).toMatchObject({ duration_ms: 200, confidence: 1 });
  });

  it('takes a list that an action will give to be as long as in earlier runs, and is less sure', () => {
    const plan = workflow({ actions: [action('split'), action('a', { forEach: ref('split.list') })] });
    const earlier = estimateCompletion(plan, { ...basis, earlierCount: () => 9 });
    expect(earlier).toMatchObject({ duration_ms: 600, confidence: 0.1 });
    expect(earlier.basis).toBe('simulated; durations of earlier runs, 1 lists of assumed length');
    expect(estimateCompletion(plan, basis)).toMatchObject({ duration_ms: 200, confidence: 0.5 });
  });

  it('takes what was never seen to last as long as it declares, and is less sure', () => {
    const plan = workflow({ actions: [action('a'), action('b', { after: ['a'] })] });
    const observed: EstimateBasis['observed'] = ({ id }) => (id === 'a' ? { meanMs: 100, deviationMs: 0 } : undefined);
    expect(estimateCompletion(plan, { ...basis, observed })).toMatchObject({
      duration_ms: 1_100,
      confidence: 0.5,
      basis: 'simulated; 1 actions without an earlier duration',
    });
  });

  it('takes conditions to be met, unless the inputs say that they are not', () => {
    const when = computed(['trigger.on'], (scope) => field(scope, 'trigger.on'));
    const plan = workflow({ actions: [action('a', { when }), action('b', { when: computed(['a'], () => false) })] });
    expect(estimateCompletion(plan, { ...basis, inputs: { on: true }, slots: () => 1 }).duration_ms).toBe(200);
    expect(estimateCompletion(plan, { ...basis, inputs: { on: false }, slots: () => 1 }).duration_ms).toBe(100);
  });

  it('comes from work and critical path for what is too large to simulate', () => {
    const plan = workflow({
      actions: [
        group('g', {
          forEach: literal(new Array(10_000).fill(0)),
          actions: [action('a'), action('b', { after: ['a'] })],
          outputs: {},
        }),
      ],
    });
    const { duration_ms, basis: words } = estimateCompletion(plan, { ...basis, slots: () => 100 });
    expect(words).toMatch(/^from work and critical path/);
    expect(duration_ms).toBeGreaterThanOrEqual(20_000);
    expect(duration_ms).toBeLessThanOrEqual(22_000);
  });
});
