import { action, computed, expression, field, literal, ref, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

const diamond = workflow({
  actions: [
    action('top'),
    action('left', { inputs: { from: ref('top.value') } }),
    action('right', { inputs: { from: ref('top.value') } }),
    action('join', { inputs: { left: ref('left.value'), right: ref('right.value') } }),
  ],
  results: { joined: ref('join.value') },
});

describe('dependencies', () => {
  it('starts an action once everything that it reads has ended', () => {
    const run = new RunDriver(diamond).start();
    expect(run.ready()).toEqual(['top']);
    run.run('top', { value: 1 });
    expect(run.ready()).toEqual(['left', 'right']);
    run.run('right', { value: 3 });
    expect(run.ready()).toEqual(['left']);
    run.run('left', { value: 2 });
    expect(run.ready()).toEqual(['join']);
    run.handOut('join');
    expect(run.inputsOf('join')).toEqual({ left: 2, right: 3 });
  });

  it('ends the run with its results once the last action has ended', () => {
    const run = new RunDriver(diamond).start();
    run.run('top', { value: 1 }).run('left', { value: 2 }).run('right', { value: 3 }).run('join', { value: 5 });
    expect(run.state.status).toBe('succeeded');
    expect(run.events('RunSucceeded')).toEqual([
      { results: { joined: 5 }, counts: { succeeded: 4, failed: 0, skipped: 0, cancelled: 0 } },
    ]);
  });

  it('waits for what stands in after, and takes nothing from it', () => {
    const run = new RunDriver(workflow({ actions: [action('first'), action('second', { after: ['first'] })] })).start();
    expect(run.ready()).toEqual(['first']);
    run.run('first', { value: 1 }).handOut('second');
    expect(run.inputsOf('second')).toEqual({});
  });

  it('makes inputs of literals, lists and objects with expressions in them', () => {
    const sum = computed(
      ['a.x', 'trigger.y'],
      (scope) => Number(field(scope, 'a.x')) + Number(field(scope, 'trigger.y')),
    );
    const plan = workflow({
      trigger: [{ name: 'y', type: 'integer' }],
      actions: [
        action('a'),
        action('b', {
          inputs: {
            plain: literal('=text'),
            sum: expression(sum),
            deep: { type: 'object', fields: { list: { type: 'list', items: [ref('a.x'), literal(2)] } } },
            run: ref('run.id'),
          },
        }),
      ],
    });
    const run = new RunDriver(plan).start({ y: 10 }).run('a', { x: 1 }).handOut('b');
    expect(run.inputsOf('b')).toEqual({ plain: '=text', sum: 11, deep: { list: [1, 2] }, run: 'r1' });
  });

  it('fails an execution whose input does not fit its declaration, naming the input', () => {
    const plan = workflow({
      actions: [action('a'), { ...action('b', { inputs: { count: ref('a.x') } }) }],
    });
    const [, b] = plan.entries;
    const declared = {
      ...b,
      inputs: { count: { value: ref('a.x'), declaration: { name: 'count', type: 'integer' as const } } },
    };
    const entries = plan.entries.map((entry) => (entry.id === 'b' ? { ...entry, ...declared } : entry));
    const typed = { ...plan, entries, entryById: new Map(entries.map((entry) => [entry.id, entry])) };
    const run = new RunDriver(typed).start().run('a', { x: 'many' }).handOut('b');
    expect(run.events('ExecutionScheduled')).toHaveLength(1);
    expect(run.events('ExecutionFailed')).toEqual([
      {
        execution: 'b',
        attempt: null,
        failure: { kind: 'invalid', message: expect.stringMatching(/^inputs\.count: expected an integer, found/) },
        will_retry: false,
        executor: null,
        duration_ms: null,
      },
    ]);
    expect(run.events('RunFailed')[0]?.execution).toBe('b');
  });

  it('fails an execution whose input is an expression that cannot be evaluated', () => {
    const wrong = computed(['a'], () => {
      throw new Error('no such overload');
    });
    const run = new RunDriver(
      workflow({ actions: [action('a'), action('b', { inputs: { x: expression(wrong) } })] }),
    ).start();
    run.run('a').handOut('b');
    expect(run.events('ExecutionFailed')[0]?.failure).toEqual({
      kind: 'invalid',
      message: 'inputs.x: =computed(a): no such overload',
    });
  });

  it('takes null for an output of type json, which has it among its values', () => {
    const plan = workflow({ actions: [action('a', { outputs: [{ name: 'anything', type: 'json' }] })] });
    expect(new RunDriver(plan).start().run('a', { anything: null }).state.status).toBe('succeeded');
    expect(new RunDriver(plan).start().run('a', {}).state.status).toBe('failed');
  });

  it('fails a succeeded attempt that lacks a declared output', () => {
    const plan = workflow({ actions: [action('a', { outputs: [{ name: 'chart', type: 'file' }] })] });
    const run = new RunDriver(plan).start().handOut().succeed('a', {});
    expect(run.events('ExecutionFailed')[0]?.failure.message).toBe('outputs.chart: expected a value, found nothing');
    expect(run.state.status).toBe('failed');
  });
});

describe('conditions and skipping', () => {
  const conditional = (met: boolean) =>
    workflow({
      actions: [
        action('ask'),
        action('maybe', { after: ['ask'], when: computed(['ask.yes'], () => met) }),
        action('needs', { inputs: { from: ref('maybe.value') } }),
        action('likes', { inputs: { from: ref('maybe.value') }, optional: ['from'] }),
        action('waits', {
          after: ['maybe'],
          inputs: { state: expression(computed(['state.maybe'], (scope) => field(scope, 'state.maybe'))) },
        }),
      ],
      results: { value: ref('maybe.value') },
    });

  it('records that a condition was met, and goes on', () => {
    const run = new RunDriver(conditional(true)).start().run('ask');
    expect(run.story().slice(-1)).toEqual(['ConditionMet maybe']);
    expect(run.ready()).toEqual(['maybe']);
  });

  it('skips an action whose condition is not met, and what needs its outputs', () => {
    const run = new RunDriver(conditional(false)).start().run('ask');
    expect(run.events('ExecutionSkipped')).toEqual([
      { execution: 'maybe', reason: { type: 'condition' } },
      { execution: 'needs', reason: { type: 'upstream', upstream: 'maybe' } },
    ]);
  });

  it('runs what can do without a skipped action, and lets it see that it was skipped', () => {
    const run = new RunDriver(conditional(false)).start().run('ask');
    expect(run.ready()).toEqual(['likes', 'waits']);
    run.handOut();
    expect(run.inputsOf('likes')).toEqual({ from: null });
    expect(run.inputsOf('waits')).toEqual({ state: 'skipped' });
    run.succeed('likes').succeed('waits');
    expect(run.events('RunSucceeded')[0]).toEqual({
      results: { value: null },
      counts: { succeeded: 3, failed: 0, skipped: 2, cancelled: 0 },
    });
  });

  it('settles a chain of skips in one decision', () => {
    const length = 50;
    const links = Array.from({ length }, (_, index) =>
      action(
        `a${index}`,
        index === 0 ? { when: computed([], () => false) } : { inputs: { from: ref(`a${index - 1}.x`) } },
      ),
    );
    const run = new RunDriver(workflow({ actions: links })).start();
    expect(run.events('ExecutionSkipped')).toHaveLength(length);
    expect(run.state.status).toBe('succeeded');
  });

  it.each([
    ['is no boolean', () => 'yes', 'when: expected true or false, found a string'],
    ['gives nothing', () => null, 'when: expected true or false, found nothing'],
  ])('fails an action whose condition %s', (_, compute, message) => {
    const run = new RunDriver(workflow({ actions: [action('a', { when: computed([], compute) })] })).start();
    expect(run.events('ExecutionFailed')[0]?.failure).toEqual({ kind: 'invalid', message });
    expect(run.state.status).toBe('failed');
  });

  it('skips what needs an output of an action that failed and was tolerated', () => {
    const plan = workflow({
      actions: [
        action('a', { onFailure: 'continue' }),
        action('b', { inputs: { from: ref('a.x') } }),
        action('c', { after: ['a'] }),
      ],
    });
    const run = new RunDriver(plan).start().handOut('a').fail('a');
    expect(run.events('ExecutionSkipped')).toEqual([{ execution: 'b', reason: { type: 'upstream', upstream: 'a' } }]);
    run.run('c');
    expect(run.events('RunSucceeded')[0]?.counts).toEqual({ succeeded: 1, failed: 1, skipped: 1, cancelled: 0 });
  });
});
