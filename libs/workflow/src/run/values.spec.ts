import { limits, type JsonObject } from '@ryax/contracts';
import { action, computed, expression, field, group, literal, ref, workflow } from './testing/plan-builder';
import { noValues, RunDriver } from './testing/run-driver';
import { startRequest } from './queries';
import { restore, snapshot } from './snapshot';
import { nextWakeup } from './timers';

const large = 'x'.repeat(limits.stateValueBytes);
const hash = `sha256:${'a'.repeat(64)}`;

const elements = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a value in run state', () => {
  const plan = workflow({ actions: [action('a'), action('b', { inputs: { text: ref('a.text') } })] });

  it('is kept as it is when it is small', () => {
    const run = new RunDriver(plan).start().run('a', { text: 'small' }).handOut('b');
    expect(startRequest(run.state, 'b', noValues)).toMatchObject({
      type: 'request',
      request: { inputs: { text: 'small' } },
    });
  });

  it('is kept as the version of its event when it is large, and asked for where it is needed', () => {
    const run = new RunDriver(plan).start().run('a', { text: large }).handOut('b');
    const version = run.log.findIndex(({ type }) => type === 'ExecutionSucceeded') + 1;
    expect(startRequest(run.state, 'b', noValues)).toEqual({ type: 'needs', needs: [{ type: 'event', version }] });
    expect(run.inputsOf('b')).toEqual({ text: large });
  });

  it('100,000 outputs of 1 KB do not stand in run state', () => {
    // A tenth of them: what one takes does not depend on how many there are.
    const count = 10_000;
    const run = new RunDriver(
      workflow({ actions: [action('a', { forEach: { in: literal(elements(count)), concurrency: count } })] }),
    );
    run.start().handOut();
    const outcome = { status: 'succeeded', outputs: { text: large } } as const;
    for (let element = 0; element < count; element++)
      run.decide({ type: 'ended', execution: `a.${element}`, attempt: 1, executor: 'e', outcome, durationMs: 1 });

    expect(run.events('ExecutionSucceeded')).toHaveLength(count);
    const bytes = JSON.stringify(snapshot(run.state)).length;
    expect(bytes / count).toBeLessThan(100);
  });

  it('is asked for before a hand-out: the execution stays ready, and others are handed out', () => {
    const two = workflow({
      actions: [action('a'), action('b', { inputs: { text: ref('a.text') } }), action('c', { after: ['a'] })],
    });
    const run = new RunDriver(two).start().run('a', { text: large });
    const executions = ['b', 'c'].map((execution) => ({ execution, site: 's', pool: 'default' }));
    expect(run.decide({ type: 'hand-out', executions })).toMatchObject({
      events: [{ type: 'ExecutionScheduled', data: { execution: 'c' } }],
      needs: [{ type: 'event' }],
    });
    expect(run.ready()).toEqual(['b']);
  });

  it('of the same decision needs no loading', () => {
    const when = computed(['a.text'], (scope) => JSON.stringify(field(scope, 'a.text')).length > 10);
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', { when })] })).start().handOut('a');
    const outcome = { status: 'succeeded', outputs: { text: large } } as const;
    const decision = run.decide({ type: 'ended', execution: 'a', attempt: 1, executor: 'e', outcome, durationMs: 1 });
    expect(decision).toMatchObject({ events: [{ type: 'ExecutionSucceeded' }, { type: 'ConditionMet' }], needs: [] });
  });

  it('is not held on to by a list that was gathered of such values', () => {
    const plan = workflow({
      actions: [action('a', { forEach: literal([1, 2]) }), action('b', { inputs: { all: ref('a') } })],
    });
    const run = new RunDriver(plan).start().run('a.0', { text: large }).run('a.1', { text: large }).handOut('b');
    expect(run.inputsOf('b')).toEqual({ all: [{ text: large }, { text: large }] });
    expect(startRequest(run.state, 'b', noValues)).toMatchObject({ needs: [{ type: 'event' }, { type: 'event' }] });
  });

  it('that is not there yet holds back what needs it and nothing else, and wants a wake at once', () => {
    const when = computed(['a.text', 'b'], () => true);
    const plan = workflow({
      actions: [action('a'), action('b'), action('c', { when }), action('d', { after: ['b'] })],
    });
    const run = new RunDriver(plan).start().run('a', { text: large }).handOut('b');
    const outcome = { status: 'succeeded', outputs: {} } as const;
    const decision = run.decide({ type: 'ended', execution: 'b', attempt: 1, executor: 'e', outcome, durationMs: 1 });
    expect(decision).toMatchObject({ events: [{ type: 'ExecutionSucceeded' }], needs: [{ type: 'event' }] });
    expect(run.ready()).toEqual(['d']);
    expect(nextWakeup(run.state)).toBe(run.now);
    run.state = restore(plan, JSON.parse(JSON.stringify(snapshot(run.state))));
    expect(nextWakeup(run.state)).toBe(run.now);
    run.wakeAt(run.now);
    expect(run.ready()).toEqual(['d', 'c']);
  });
});

describe('a $value reference', () => {
  const reference = (count?: number): JsonObject => ({
    $value: hash,
    size: 100_000,
    ...(count === undefined ? {} : { count }),
  });

  it('is passed on by a plain reference without being looked at, further in where the path goes further', () => {
    const plan = workflow({
      actions: [action('a'), action('b', { inputs: { all: ref('a.table'), row: ref('a.table.rows') } })],
    });
    const run = new RunDriver(plan).start().run('a', { table: reference() }).handOut('b');
    expect(startRequest(run.state, 'b', noValues)).toMatchObject({
      request: { inputs: { all: reference(), row: { $value: hash, size: 100_000, path: ['rows'] } } },
    });
  });

  it('to a list gives for_each its elements as references, by its count alone', () => {
    const plan = workflow({
      actions: [
        action('a'),
        action('b', { forEach: ref('a.list'), inputs: { item: ref('item'), name: ref('item.name') } }),
      ],
    });
    const run = new RunDriver(plan).start().run('a', { list: reference(3) });
    expect(run.events('CollectionOpened')).toEqual([{ execution: 'b', count: 3 }]);
    run.handOut('b.2');
    expect(startRequest(run.state, 'b.2', noValues)).toMatchObject({
      request: {
        inputs: {
          item: { $value: hash, size: 100_000, path: [2] },
          name: { $value: hash, size: 100_000, path: [2, 'name'] },
        },
      },
    });
  });

  it('to a list of unknown length is opened to count it', () => {
    const plan = workflow({ actions: [action('a'), action('b', { forEach: ref('a.deep.list') })] });
    const run = new RunDriver(plan);
    run.contents.set(hash, { list: [1, 2] });
    run.start().run('a', { deep: reference() });
    expect(run.events('CollectionOpened')).toEqual([{ execution: 'b', count: 2 }]);
  });

  it('is opened, also deep inside, for an expression that computes', () => {
    const seen: unknown[] = [];
    const when = computed(['a.list'], ({ a }) => (seen.push(a), true));
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', { when })] }));
    run.contents.set(hash, [1, { inner: 2 }]);
    run.start().run('a', { list: [{ $value: hash, size: 1, path: [1] }, 'x'], other: reference() });
    expect(seen).toEqual([{ list: [{ inner: 2 }, 'x'], other: reference() }]);
  });

  it.each([
    ['a condition', { when: computed(['a.list'], () => true) }],
    ['a collection', { forEach: ref('a.list') }],
  ])('to what is not there fails %s that needs it, naming it, and the run ends', (_what, options) => {
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', options)] })).start();
    run.run('a', { list: reference() });
    expect(run.events('ExecutionFailed')).toMatchObject([
      {
        execution: 'b',
        failure: { kind: 'invalid', message: expect.stringContaining(`${hash} is not in the filestore`) },
      },
    ]);
    expect(run.events('RunFailed')).toHaveLength(1);
  });
});

describe('a list that a run gathers itself', () => {
  const elements = 3;
  const gathered = workflow({
    actions: [
      group('g', {
        actions: [action('each', { forEach: literal(new Array(elements).fill(0)) })],
        outputs: {
          all: ref('each'),
          count: expression(computed(['each'], ({ each }) => (Array.isArray(each) ? each.length : null))),
        },
      }),
      action('use', { inputs: { all: ref('g.all') } }),
    ],
    results: { all: ref('g.all') },
  });

  it('stays in the event when it fits', () => {
    const run = new RunDriver(gathered).start();
    for (let index = 0; index < elements; index++) run.run(`each.${index}`, { index });
    expect(run.events('ExecutionSucceeded').at(-1)?.outputs).toEqual({
      all: [{ index: 0 }, { index: 1 }, { index: 2 }],
      count: 3,
    });
  });

  it('is written to the filestore before the event that mentions it, when it does not', () => {
    const run = new RunDriver(gathered).start();
    const text = 'x'.repeat(limits.inlineValueBytes / 2);
    for (let index = 0; index < elements; index++) run.run(`each.${index}`, { text });
    const { outputs } = run.events('ExecutionSucceeded').at(-1) ?? {};
    expect(outputs).toEqual({ all: { $value: expect.any(String), size: 1, count: 3 }, count: 3 });
    run.run('use');
    expect(run.events('RunSucceeded')[0]?.results).toEqual({ all: outputs?.all });
  });
});
