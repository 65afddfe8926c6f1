import type { JsonValue } from '@ryax/contracts';
import {
  action,
  type ActionOptions,
  computed,
  expression,
  field,
  literal,
  ref,
  workflow,
} from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

function fanOut(list: JsonValue, options: Partial<ActionOptions> & { concurrency?: number; minSuccess?: number } = {}) {
  const { concurrency, minSuccess, ...rest } = options;
  const bounds = {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(minSuccess === undefined ? {} : { minSuccess }),
  };
  return new RunDriver(
    workflow({
      actions: [
        action('fit', {
          forEach: { in: literal(list), ...bounds },
          inputs: { item: ref('item'), index: ref('index') },
          onFailure:
            bounds.minSuccess === undefined && rest.onFailure === undefined ? 'fail' : (rest.onFailure ?? 'fail'),
          ...rest,
        }),
        action('report', {
          after: ['fit'],
          inputs: {
            fits: ref('fit'),
            state: expression(computed(['state.fit'], (scope) => field(scope, 'state.fit'))),
          },
        }),
      ],
    }),
  ).start();
}

describe('a for_each', () => {
  it('runs one execution per element, with item and index in scope', () => {
    const run = fanOut(['a', 'b']);
    expect(run.events('CollectionOpened')).toEqual([{ execution: 'fit', count: 2 }]);
    expect(run.ready()).toEqual(['fit.0', 'fit.1']);
    run.handOut();
    expect(run.inputsOf('fit.1')).toEqual({ item: 'b', index: 1 });
  });

  it('gives downstream a list in the order of the elements, whatever order they ended in', () => {
    const run = fanOut(['a', 'b', 'c']).handOut();
    run.succeed('fit.2', { v: 2 }).succeed('fit.0', { v: 0 }).succeed('fit.1', { v: 1 }).handOut('report');
    expect(run.inputsOf('report')).toEqual({ fits: [{ v: 0 }, { v: 1 }, { v: 2 }], state: 'succeeded' });
  });

  it('succeeds with an empty list when there are no elements', () => {
    const run = fanOut([]);
    expect(run.story().slice(-2)).toEqual(['CollectionOpened fit', 'CollectionClosed fit']);
    run.handOut('report');
    expect(run.inputsOf('report')).toEqual({ fits: [], state: 'succeeded' });
  });

  it('has null for a failed element when failures are tolerated', () => {
    const run = fanOut(['a', 'b', 'c'], { onFailure: 'continue', minSuccess: 0 }).handOut();
    run.succeed('fit.0', { v: 0 }).fail('fit.1').succeed('fit.2', { v: 2 }).handOut('report');
    expect(run.inputsOf('report')).toEqual({ fits: [{ v: 0 }, null, { v: 2 }], state: 'succeeded' });
    run.succeed('report');
    expect(run.events('RunSucceeded')[0]?.counts).toEqual({ succeeded: 3, failed: 1, skipped: 0, cancelled: 0 });
  });

  it('keeps no more elements open than its window has room for', () => {
    const run = fanOut(['a', 'b', 'c', 'd'], { concurrency: 2 });
    expect(run.ready()).toEqual(['fit.0', 'fit.1']);
    run.run('fit.1');
    expect(run.ready()).toEqual(['fit.0', 'fit.2']);
    run.run('fit.0');
    expect(run.ready()).toEqual(['fit.2', 'fit.3']);
  });

  it('fails as soon as its share of successes cannot be reached any more, and opens nothing more', () => {
    const run = fanOut(['a', 'b', 'c', 'd'], { concurrency: 2, minSuccess: 0.75 });
    run.handOut('fit.0', 'fit.1').fail('fit.0');
    expect(run.ready()).toEqual(['fit.2']);
    run.handOut('fit.2').fail('fit.2', { message: 'also' });
    expect(run.ready()).toEqual([]);
    expect(run.attempts().map(({ execution, cancelling }) => [execution, cancelling !== null])).toEqual([
      ['fit.1', true],
    ]);
    run.confirmCancelled('fit.1');
    expect(run.events('CollectionClosed')).toEqual([
      {
        execution: 'fit',
        state: 'failed',
        opened: 3,
        counts: { succeeded: 0, failed: 2, skipped: 0, cancelled: 2 },
        failure: { kind: 'crash', message: '2 of 4 elements failed where 3 must succeed; first fit.0: boom' },
      },
    ]);
    expect(run.events('RunFailed')[0]).toMatchObject({ execution: 'fit.0', failure: { message: 'boom' } });
  });

  it('runs the rest once its share of successes is reached', () => {
    const run = fanOut(['a', 'b'], { minSuccess: 0.5 }).handOut();
    run.succeed('fit.0');
    expect(run.outstanding()).toEqual(['fit.1']);
    run.fail('fit.1');
    expect(run.events('CollectionClosed')[0]).toMatchObject({
      state: 'succeeded',
      counts: { succeeded: 1, failed: 1 },
    });
  });

  it.each([
    [0.9, 10, 1, 'succeeded'],
    [0.9, 10, 2, 'failed'],
    [0.55, 100, 45, 'succeeded'],
    [0.55, 100, 46, 'failed'],
    [0, 2, 2, 'succeeded'],
    [1, 3, 0, 'succeeded'],
  ])('judges min_success %d of %d elements with %d failures as %s', (minSuccess, count, failures, state) => {
    const run = fanOut(new Array<null>(count).fill(null), { minSuccess }).handOut();
    for (let index = 0; index < count; index++) {
      const execution = `fit.${index}`;
      if (index < failures) run.fail(execution);
      else run.succeed(execution);
    }
    for (const execution of run.outstanding()) run.confirmCancelled(execution);
    expect(run.events('CollectionClosed')[0]?.state).toBe(state);
  });

  it('fails before it is opened when its list is none', () => {
    const run = fanOut({ a: 1 });
    expect(run.events('ExecutionFailed')).toMatchObject([
      {
        execution: 'fit',
        attempt: null,
        failure: { kind: 'invalid', message: 'for_each: expected a list, found an object' },
      },
    ]);
    expect(run.state.status).toBe('failed');
  });

  it('evaluates a computed list once, not once for each element', () => {
    let evaluations = 0;
    const list = computed([], () => {
      evaluations++;
      return Array.from({ length: 100 }, (_, index) => index);
    });
    const plan = workflow({ actions: [action('fit', { forEach: expression(list), inputs: { item: ref('item') } })] });
    const run = new RunDriver(plan).start().handOut();
    expect(run.inputsOf('fit.99')).toEqual({ item: 99 });
    expect(evaluations).toBeLessThan(4);
  });

  it('takes each element of a list of expressions for itself', () => {
    const list = { type: 'list' as const, items: [literal('a'), ref('trigger.name')] };
    const plan = workflow({
      trigger: [{ name: 'name', type: 'string' }],
      actions: [action('fit', { forEach: { in: list }, inputs: { item: ref('item') } })],
    });
    const run = new RunDriver(plan).start({ name: 'b' }).handOut();
    expect(run.inputsOf('fit.1')).toEqual({ item: 'b' });
  });

  it('is skipped as one, with its condition judged once', () => {
    const plan = workflow({
      actions: [
        action('fit', { forEach: literal([1, 2]), when: computed([], () => false) }),
        action('report', { inputs: { fits: ref('fit') }, optional: ['fits'] }),
      ],
    });
    const run = new RunDriver(plan).start();
    expect(run.events('ExecutionSkipped')).toEqual([{ execution: 'fit', reason: { type: 'condition' } }]);
    run.handOut('report');
    expect(run.inputsOf('report')).toEqual({ fits: null });
  });
});
