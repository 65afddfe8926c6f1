import * as fc from 'fast-check';
import { planOf, planShape } from '../run/testing/arbitrary-plan';
import { action, computed, field, group, literal, ref, workflow } from '../run/testing/plan-builder';
import { simulate, SimulationRejectedError, type SimulatedTask } from './simulate';
import { scheduleBounds, workAndSpan } from './work-and-span';

const succeed = (durationMs: number) => () => ({ durationMs, outcome: { status: 'succeeded' as const, outputs: {} } });

describe('the simulator', () => {
  it('takes as long as the longest chain when there is room for everything', () => {
    const plan = workflow({ actions: [action('a'), action('b'), action('c', { after: ['a', 'b'] })] });
    const perform = ({ entry }: SimulatedTask) => succeed(entry.id === 'b' ? 30 : 10)();
    expect(simulate({ plan, perform, slots: () => 10 })).toMatchObject({ status: 'succeeded', makespanMs: 40 });
  });

  it('lets work wait for slots', () => {
    const plan = workflow({ actions: [action('a', { forEach: literal([1, 2, 3, 4, 5]) })] });
    const run = simulate({ plan, perform: succeed(10), slots: () => 2 });
    expect(run.makespanMs).toBe(30);
    expect(
      run.timeline.map(({ execution, readyAt, startedAt, endedAt }) => [execution, readyAt, startedAt, endedAt]),
    ).toEqual([
      ['a.0', 0, 0, 10],
      ['a.1', 0, 0, 10],
      ['a.2', 0, 10, 20],
      ['a.3', 0, 10, 20],
      ['a.4', 0, 20, 30],
    ]);
  });

  it('lets what holds no slot pass', () => {
    const nap = action('nap', { forEach: literal([1, 2, 3]), action: { type: 'builtin', name: 'sleep' } });
    expect(simulate({ plan: workflow({ actions: [nap] }), perform: succeed(10), slots: () => 0 }).makespanMs).toBe(10);
  });

  it('waits for the pauses between attempts', () => {
    const plan = workflow({
      actions: [action('a', { retry: { maxAttempts: 3, initialIntervalMs: 1_000, multiplier: 2 } })],
    });
    const perform = ({ attempt }: SimulatedTask) =>
      attempt < 3
        ? { durationMs: 10, outcome: { status: 'failed' as const, failure: { kind: 'crash' as const, message: '' } } }
        : succeed(10)();
    const run = simulate({ plan, perform, slots: () => 1, random: () => 1 });
    expect(run).toMatchObject({ status: 'succeeded', makespanMs: 3_030 });
    expect(run.timeline.map(({ status }) => status)).toEqual(['failed', 'failed', 'succeeded']);
  });

  it('passes data on, so that lists and conditions come out as they would', () => {
    const plan = workflow({
      trigger: [{ name: 'n', type: 'integer' }],
      actions: [
        action('split'),
        group('each', {
          forEach: ref('split.list'),
          actions: [action('x', { inputs: { item: ref('item') } })],
          outputs: {},
        }),
        action('many', {
          after: ['each'],
          when: computed(['trigger.n'], (scope) => Number(field(scope, 'trigger.n')) > 2),
        }),
      ],
    });
    const perform = ({ entry }: SimulatedTask) => ({
      durationMs: 1,
      outcome: { status: 'succeeded' as const, outputs: entry.id === 'split' ? { list: [1, 2, 3] } : {} },
    });
    const executions = (n: number) =>
      simulate({ plan, inputs: { n }, perform, slots: () => 9 }).timeline.map(({ execution }) => execution);
    expect(executions(3)).toEqual(['split', 'x.0', 'x.1', 'x.2', 'many']);
    expect(executions(1)).toEqual(['split', 'x.0', 'x.1', 'x.2']);
  });

  it('passes on what is too large for run state, and for events', () => {
    const plan = workflow({
      actions: [
        action('a', { forEach: literal([1, 2, 3]) }),
        action('b', {
          inputs: { all: ref('a') },
          when: computed(['a'], ({ a }) => Array.isArray(a) && a.length === 3),
        }),
      ],
      results: { all: ref('a') },
    });
    const outcome = { status: 'succeeded' as const, outputs: { text: 'x'.repeat(100_000) } };
    const run = simulate({ plan, perform: () => ({ durationMs: 1, outcome }), slots: () => 3 });
    expect(run).toMatchObject({ status: 'succeeded', makespanMs: 2 });
    expect(run.state.end?.results).toEqual({ all: { $value: expect.any(String), size: 0, count: 3 } });
  });

  it('cancels what runs when the run is cancelled', () => {
    const plan = workflow({ actions: [action('a'), action('b')], finally: [action('tidy')] });
    const command = { run_id: 'simulated', reason: '', force: false, requested_by: null };
    const messages = [{ at: 50, message: { type: 'cancel' as const, command } }];
    const run = simulate({ plan, perform: succeed(100), slots: () => 2, messages });
    expect(run).toMatchObject({ status: 'cancelled', makespanMs: 150 });
    expect(run.timeline.map(({ execution, status }) => `${execution} ${status}`)).toEqual([
      'a cancelled',
      'b cancelled',
      'tidy succeeded',
    ]);
  });

  it('refuses inputs that do not fit', () => {
    const plan = workflow({ trigger: [{ name: 'n', type: 'integer' }], actions: [action('a')] });
    expect(() => simulate({ plan, perform: succeed(1), slots: () => 1 })).toThrow(SimulationRejectedError);
  });

  it('ends every run, whatever its tasks come to', () => {
    fc.assert(
      fc.property(
        planShape,
        fc.infiniteStream(fc.nat({ max: 99 })),
        fc.integer({ min: 1, max: 4 }),
        (shape, luck, slots) => {
          const perform = ({ execution }: SimulatedTask) => {
            const { value } = luck.next();
            const durationMs = value * 10;
            if (value > 20)
              return { durationMs, outcome: { status: 'succeeded' as const, outputs: { of: execution } } };
            const kind = value > 10 ? ('crash' as const) : ('lost' as const);
            return { durationMs, outcome: { status: 'failed' as const, failure: { kind, message: execution } } };
          };
          const run = simulate({ plan: planOf(shape), perform, slots: () => slots });
          expect(['succeeded', 'failed', 'cancelled']).toContain(run.status);
          for (const { readyAt, startedAt, endedAt } of run.timeline)
            expect(readyAt <= startedAt && startedAt <= endedAt).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps within the bounds of any greedy schedule', () => {
    const certain = planShape.map(({ actions }) =>
      planOf({ actions: actions.map(plain), last: [], timeoutMs: undefined }),
    );
    fc.assert(
      fc.property(certain, fc.integer({ min: 1, max: 4 }), (plan, slots) => {
        const durationMs = ({ number }: { number: number }) => 1 + ((number * 7) % 13);
        const costs = { durationMs, count: () => 3 };
        const [least, most] = scheduleBounds(workAndSpan(plan, costs), () => slots);
        const { makespanMs } = simulate({
          plan,
          perform: ({ entry }) => succeed(durationMs(entry))(),
          slots: () => slots,
        });
        expect(makespanMs).toBeGreaterThanOrEqual(least);
        expect(makespanMs).toBeLessThanOrEqual(most);
      }),
    );
  });
});

/** Nothing that depends on luck: every entry runs, and every list has three elements. */
function plain<T extends { readonly content: readonly T[] | undefined; readonly elements: number | undefined }>(
  shape: T,
): T {
  const always = {
    when: undefined,
    timeoutMs: undefined,
    concurrency: 1_000,
    elements: shape.elements === undefined ? undefined : 3,
  };
  return { ...shape, ...always, content: shape.content?.map(plain) };
}
