import { action, computed, group, literal, ref, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

const cleaning = workflow({
  actions: [
    group('clean', {
      forEach: { in: literal(['x', 'y']) },
      actions: [
        action('trim', { inputs: { item: ref('item') } }),
        action('check', { inputs: { trimmed: ref('trim.value') } }),
      ],
      outputs: { checked: ref('check.value'), of: ref('item') },
    }),
    action('report', { inputs: { cleaned: ref('clean') } }),
  ],
});

describe('a group', () => {
  it('lets each element walk through it alone, without a barrier between its actions', () => {
    const run = new RunDriver(cleaning).start();
    expect(run.ready()).toEqual(['trim.0', 'trim.1']);
    run.run('trim.0', { value: 1 });
    expect(run.ready()).toEqual(['trim.1', 'check.0']);
    run.run('check.0', { value: 2 });
    expect(run.story().slice(-1)).toEqual(['ExecutionSucceeded clean.0']);
    expect(run.ready()).toEqual(['trim.1']);
  });

  it('ends an element by one event under its own id, with the group outputs', () => {
    const run = new RunDriver(cleaning).start();
    run.run('trim.1', { value: 1 }).run('check.1', { value: 2 });
    expect(run.events('ExecutionSucceeded').at(-1)).toEqual({
      execution: 'clean.1',
      attempt: null,
      outputs: { checked: 2, of: 'y' },
      executor: null,
      duration_ms: null,
    });
  });

  it('is seen from outside by its outputs only, as a list under for_each', () => {
    const run = new RunDriver(cleaning).start();
    for (const index of [1, 0]) run.run(`trim.${index}`, { value: index }).run(`check.${index}`, { value: index * 10 });
    run.handOut('report');
    expect(run.inputsOf('report')).toEqual({
      cleaned: [
        { checked: 0, of: 'x' },
        { checked: 10, of: 'y' },
      ],
    });
  });

  it('nests: an execution has one index for each for_each around it', () => {
    const plan = workflow({
      actions: [
        group('outer', {
          forEach: literal([['a'], ['b', 'c']]),
          actions: [
            action('prepare', { inputs: { list: ref('item') } }),
            action('each', {
              forEach: ref('item'),
              after: ['prepare'],
              inputs: { item: ref('item'), index: ref('index') },
            }),
            action('sum', { inputs: { all: ref('each') } }),
          ],
          outputs: { sum: ref('sum.value') },
        }),
      ],
      results: { outer: ref('outer') },
    });
    const run = new RunDriver(plan).start().run('prepare.1');
    expect(run.story().slice(-1)).toEqual(['CollectionOpened each.1']);
    expect(run.ready()).toEqual(['prepare.0', 'each.1.0', 'each.1.1']);
    run.handOut('each.1.1').succeed('each.1.1', { v: 'c' }).run('each.1.0', { v: 'b' }).handOut('sum.1');
    expect(run.inputsOf('sum.1')).toEqual({ all: [{ v: 'b' }, { v: 'c' }] });
    run.succeed('sum.1', { value: 1 });
    run.run('prepare.0').run('each.0.0', { v: 'a' }).run('sum.0', { value: 0 });
    expect(run.events('RunSucceeded')[0]?.results).toEqual({ outer: [{ sum: 0 }, { sum: 1 }] });
  });

  it('sees from inside what is outside and upstream', () => {
    const plan = workflow({
      actions: [
        action('base'),
        group('g', { actions: [action('inner', { inputs: { base: ref('base.value') } })], outputs: {} }),
      ],
    });
    const run = new RunDriver(plan).start();
    expect(run.ready()).toEqual(['base']);
    run.run('base', { value: 7 }).handOut('inner');
    expect(run.inputsOf('inner')).toEqual({ base: 7 });
  });

  it('gets no events for its entries when it is skipped', () => {
    const plan = workflow({
      actions: [
        group('g', {
          when: computed([], () => false),
          actions: [action('a'), action('b', { after: ['a'] })],
          outputs: {},
        }),
        action('after', { after: ['g'] }),
      ],
    });
    const run = new RunDriver(plan).start().run('after');
    expect(run.story().filter((line) => /Skipped/.test(line))).toEqual(['ExecutionSkipped g']);
    expect(run.events('RunSucceeded')[0]?.counts).toEqual({ succeeded: 1, failed: 0, skipped: 1, cancelled: 0 });
  });

  it('fails with the action in it that failed: what runs in it is cancelled first, then its own on_failure decides', () => {
    const plan = workflow({
      actions: [
        group('g', {
          onFailure: 'continue',
          actions: [action('a'), action('b'), action('c', { after: ['b'] })],
          outputs: {},
        }),
        action('after', { after: ['g'] }),
      ],
    });
    const run = new RunDriver(plan).start().handOut('a', 'b').fail('a');
    expect(run.ready()).toEqual([]);
    run.confirmCancelled('b');
    expect(run.story().slice(-2)).toEqual(['ExecutionCancelled b', 'ExecutionFailed g']);
    expect(run.events('ExecutionCancelled')[0]?.reason).toBe('scope-failed');
    expect(run.events('ExecutionFailed').at(-1)?.failure).toEqual({ kind: 'crash', message: 'a failed: boom' });
    expect(run.ready()).toEqual(['after']);
    run.run('after');
    expect(run.events('RunSucceeded')[0]?.counts).toEqual({ succeeded: 1, failed: 1, skipped: 0, cancelled: 2 });
  });

  it('fails one element alone when its collection tolerates that', () => {
    const plan = workflow({
      actions: [
        group('g', {
          forEach: { in: literal([1, 2]), minSuccess: 0.5 },
          actions: [action('a'), action('b', { after: ['a'] })],
          outputs: { b: ref('b.v') },
        }),
      ],
      results: { g: ref('g') },
    });
    const run = new RunDriver(plan).start().handOut().fail('a.0');
    run.succeed('a.1').run('b.1', { v: 1 });
    expect(run.events('RunSucceeded')[0]?.results).toEqual({ g: [null, { b: 1 }] });
  });

  it('names the innermost failed execution as the cause of the run that fails with it', () => {
    const deep = group('outer', {
      forEach: literal([1]),
      actions: [group('inner', { actions: [action('leaf')], outputs: {} })],
      outputs: {},
    });
    const run = new RunDriver(workflow({ actions: [deep] }))
      .start()
      .handOut()
      .fail('leaf.0', { kind: 'user', message: 'no' });
    expect(run.story().slice(-4)).toEqual([
      'ExecutionFailed inner.0',
      'ExecutionFailed outer.0',
      'CollectionClosed outer',
      'RunFailed leaf.0',
    ]);
    expect(run.events('RunFailed')[0]?.failure).toEqual({ kind: 'user', message: 'no' });
  });

  it('fails when its outputs cannot be made', () => {
    const wrong = computed(['a'], () => {
      throw new Error('cannot compute');
    });
    const plan = workflow({
      actions: [group('g', { actions: [action('a')], outputs: { x: { type: 'expression', expression: wrong } } })],
    });
    const run = new RunDriver(plan).start().run('a');
    expect(run.events('ExecutionFailed')[0]).toMatchObject({
      execution: 'g',
      failure: { kind: 'invalid', message: 'outputs: x: =computed(a): cannot compute' },
    });
    expect(run.events('RunFailed')[0]?.execution).toBe('g');
  });

  it('fails at its time limit: what runs in it is cancelled, and then it has ended', () => {
    const plan = workflow({
      actions: [
        group('g', { timeoutMs: 1_000, onFailure: 'continue', actions: [action('a')], outputs: {} }),
        action('z', { after: ['g'] }),
      ],
    });
    const run = new RunDriver(plan).start().handOut('a');
    run.wakeAt(run.now + 999);
    expect(run.events('ExecutionFailed')).toEqual([]);
    run.wakeAt(run.now + 1);
    expect(run.events('ExecutionFailed')).toMatchObject([
      { execution: 'g', failure: { kind: 'timeout', message: 'g did not end within 1000 ms' } },
    ]);
    expect(run.ready()).toEqual([]);
    run.confirmCancelled('a');
    expect(run.events('ExecutionCancelled')).toMatchObject([
      { execution: 'a', reason: 'group-timeout', confirmed: true },
    ]);
    expect(run.ready()).toEqual(['z']);
  });

  it('counts the time of an element from when that element was opened', () => {
    const plan = workflow({
      actions: [
        group('g', {
          forEach: { in: literal([1, 2]), concurrency: 1, minSuccess: 0 },
          timeoutMs: 1_000,
          actions: [action('a')],
          outputs: {},
        }),
      ],
    });
    const run = new RunDriver(plan).start();
    run.now += 900;
    run
      .run('a.0')
      .handOut('a.1')
      .wakeAt(run.now + 500);
    expect(run.events('ExecutionFailed')).toEqual([]);
    run.wakeAt(run.now + 500).confirmCancelled('a.1');
    expect(run.events('ExecutionFailed')).toMatchObject([{ execution: 'g.1' }]);
    expect(run.state.status).toBe('succeeded');
  });
});
