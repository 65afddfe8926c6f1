import { action, computed, group, literal, ref, workflow } from './testing/plan-builder';
import { noValues, RunDriver } from './testing/run-driver';
import { executionPage } from './execution-page';
import { demandOf, plainDemand, slotlessDemand } from '../placement';
import { firstReady, readyWork, startRequest } from './queries';
import { restore, snapshot } from './snapshot';
import { describeRun } from './view';
import { waitReason } from './wait-reason';

const { lane } = plainDemand;
const anywhere = () => true;

describe('ready work', () => {
  const plan = workflow({
    actions: [
      action('big', { constraints: { pool: 'gpu' } }),
      action('nap', { action: { type: 'builtin', name: 'sleep' } }),
      action('list', { forEach: literal([1, 2, 3]) }),
    ],
  });

  it('is told apart by what it asks for', () => {
    expect(readyWork(new RunDriver(plan).start().state)).toEqual([
      { demand: demandOf({ constraints: { pool: 'gpu' } }, {}, null), count: 1 },
      { demand: slotlessDemand, count: 1 },
      { demand: plainDemand, count: 3 },
    ]);
  });

  it('comes in the order in which it became ready, and stays until it is handed out', () => {
    const { state } = new RunDriver(plan).start();
    const names = () => firstReady(state, lane, 2, anywhere).map(({ execution }) => execution);
    expect(names()).toEqual(['list.0', 'list.1']);
    expect(names()).toEqual(['list.0', 'list.1']);
  });

  it('may be passed by what comes later, and keeps its place', () => {
    const run = new RunDriver(plan).start().handOut('list.1');
    expect(firstReady(run.state, lane, 5, anywhere).map(({ execution }) => execution)).toEqual(['list.0', 'list.2']);
  });
});

describe('ready work that comes back', () => {
  const plan = workflow({ actions: [action('list', { forEach: literal([1, 2]), retry: { maxAttempts: 2 } })] });

  it('is there once, when a retry becomes ready while what was before it still waits', () => {
    const run = new RunDriver(plan).start().handOut('list.1').fail('list.1');
    run.wakeAt(run.now + 1_000);
    expect(run.ready()).toEqual(['list.0', 'list.1']);
  });

  it('is in the order of its coming after a snapshot, too', () => {
    const two = workflow({ actions: [action('a'), action('b', { after: ['a'] }), action('c')] });
    const run = new RunDriver(two).start().handOut('a');
    run.now += 1;
    run.succeed('a');
    expect(run.ready()).toEqual(['c', 'b']);
    run.state = restore(two, JSON.parse(JSON.stringify(snapshot(run.state))));
    expect(run.ready()).toEqual(['c', 'b']);
  });
});

describe('the command that starts an attempt', () => {
  it('is the same whenever it is asked for, and there only while the attempt is out', () => {
    const run = new RunDriver(
      workflow({ actions: [action('a', { inputs: { x: literal(1) }, timeoutMs: 5_000 })] }),
    ).start();
    expect(startRequest(run.state, 'a', noValues)).toEqual({ type: 'none' });
    run.handOut('a');
    const first = startRequest(run.state, 'a', noValues);
    expect(first).toMatchObject({
      type: 'request',
      request: { run_id: 'r1', workflow_id: 'w', execution: 'a', attempt: 1, inputs: { x: 1 }, timeout_ms: 5_000 },
    });
    expect(startRequest(run.replayed(), 'a', noValues)).toEqual(first);
    run.succeed('a');
    expect(startRequest(run.state, 'a', noValues)).toEqual({ type: 'none' });
  });
});

const nested = workflow({
  actions: [
    action('first'),
    group('g', {
      after: ['first'],
      forEach: { in: literal([1, 2, 3]), concurrency: 2 },
      actions: [
        action('x', { inputs: { item: ref('item') } }),
        action('y', { forEach: literal([1, 2]), after: ['x'] }),
      ],
      outputs: {},
    }),
  ],
  finally: [action('tidy')],
});

describe('why something has not started', () => {
  const reason = (run: RunDriver, execution: string) => {
    const { type, message, waitsFor } = waitReason(run.state, execution) ?? {};
    return { type, message, waitsFor };
  };

  it.each([
    ['g', 'dependencies', 'waits for first', ['first']],
    ['x.1', 'dependencies', 'waits for first', ['first']],
    ['y.1.0', 'dependencies', 'waits for first', ['first']],
    ['tidy', 'dependencies', 'is run once everything else has ended', []],
    ['first', 'capacity', 'is ready and waits for a free slot', []],
  ])('is told for %s before anything ran', (execution, type, message, waitsFor) => {
    expect(reason(new RunDriver(nested).start(), execution)).toEqual({ type, message, waitsFor });
  });

  it.each([
    ['x.0', 'capacity', 'is ready and waits for a free slot, with 1 more of this run', []],
    ['y.0', 'dependencies', 'waits for x.0', ['x.0']],
    ['y.0.1', 'dependencies', 'waits for x.0', ['x.0']],
    ['x.2', 'window', '2 elements of g may be open at once; 0 are before it', []],
    ['first', 'nothing', 'has ended: succeeded', []],
  ])('is told for %s while the group is open', (execution, type, message, waitsFor) => {
    expect(reason(new RunDriver(nested).start().run('first'), execution)).toEqual({ type, message, waitsFor });
  });

  it('is the pause before a retry', () => {
    const run = new RunDriver(workflow({ actions: [action('a', { retry: { maxAttempts: 2 } })] }))
      .start()
      .handOut()
      .fail('a');
    expect(reason(run, 'a')).toMatchObject({
      type: 'retry',
      message: 'attempt 2 is due at 1970-01-01T00:16:40.500Z after: boom',
    });
  });

  it.each([
    ['x.0', 'nothing', 'attempt 1 was handed out'],
    ['x.1', 'nothing', 'attempt 1 is running'],
    ['g', 'nothing', 'what is in it runs'],
    ['g.0', 'nothing', 'what is in it runs'],
  ])('is nothing for %s, which has started', (execution, type, message) => {
    const run = new RunDriver(nested).start().run('first').handOut();
    run.handle({ type: 'started', execution: 'x.1', attempt: 1, executor: 'e', startedMsAgo: 0 });
    expect(reason(run, execution)).toEqual({ type, message, waitsFor: [] });
  });

  it('is a value that is being loaded', () => {
    const when = computed(['a.text'], () => true);
    const plan = workflow({
      actions: [action('a'), action('b', { after: ['a'] }), action('c', { when, after: ['b'] })],
    });
    const run = new RunDriver(plan)
      .start()
      .run('a', { text: 'x'.repeat(2_000) })
      .handOut('b');
    const outcome = { status: 'succeeded', outputs: {} } as const;
    run.decide({ type: 'ended', execution: 'b', attempt: 1, executor: 'e', outcome, durationMs: 1 });
    expect(reason(run, 'c')).toMatchObject({ type: 'value' });
  });

  it.each([
    ['y.0.1', 'nothing', 'will not begin: g has ended'],
    ['tidy', 'capacity', 'is ready and waits for a free slot'],
    ['x.2', 'nothing', 'will not begin: g has ended'],
  ])('is that it never will for %s after a cancel', (execution, type, message) => {
    const run = new RunDriver(nested).start().run('first');
    run.cancel();
    expect(reason(run, execution)).toMatchObject({ type, message });
  });

  it('is the scope around it that is being stopped', () => {
    const run = new RunDriver(nested).start().run('first').handOut('x.0');
    run.cancel();
    expect(reason(run, 'x.0')).toMatchObject({ type: 'cancelling' });
    expect(reason(run, 'x.2')).toMatchObject({ type: 'nothing', message: 'x.2 will not begin: g is being stopped' });
  });

  it.each(['nobody', 'first.0', 'x.9', 'x.1.1', 'x.-1'])(
    'is not told for %s, which is nothing of the run’s',
    (execution) => {
      expect(waitReason(new RunDriver(nested).start().run('first').state, execution)).toBeUndefined();
    },
  );
});

describe('a run as its users see it', () => {
  it('shows its facts, its entries with their counts, and where it stands', () => {
    const run = new RunDriver(nested).start().run('first').run('x.0').handOut('y.0.0');
    expect(describeRun(run.state, { limit: 2 })).toMatchObject({
      run_id: 'r1',
      workflow_id: 'w',
      state: 'running',
      version: run.log.length,
      created_at: '1970-01-01T00:16:40.000Z',
      ended_at: null,
      counts: { succeeded: 2, failed: 0, skipped: 0, cancelled: 0 },
      failure: null,
      actions: [
        { id: 'first', state: 'succeeded', counts: { succeeded: 1 }, attempts: 1, group: null },
        { id: 'g', kind: 'group', state: 'running', for_each: { count: 3, opened: 2 }, counts: { running: 2 } },
        { id: 'x', group: 'g', state: null, counts: { succeeded: 1, ready: 1 } },
        { id: 'y', group: 'g', state: null, for_each: null, counts: { scheduled: 1, ready: 1 } },
        { id: 'tidy', in_finally: true, state: 'waiting', counts: {} },
      ],
      executions: [{ execution: 'first' }, { execution: 'g', kind: 'collection' }],
      next_cursor: '0.1.0',
    });
  });

  it('shows the first cause while it is failing, and once it has failed', () => {
    const run = new RunDriver(workflow({ actions: [action('a'), action('b')] })).start().handOut().fail('a');
    expect(describeRun(run.state)).toMatchObject({
      state: 'failing',
      failure: { execution: 'a', kind: 'crash', message: 'boom' },
    });
    run.confirmCancelled('b');
    expect(describeRun(run.state)).toMatchObject({
      state: 'failed',
      failure: { execution: 'a', kind: 'crash', message: 'boom' },
    });
  });

  it('shows who cancelled it and why', () => {
    const run = new RunDriver(nested).start();
    run.cancel(true, 'wrong inputs');
    expect(describeRun(run.state)?.cancel).toMatchObject({ reason: 'wrong inputs', cause: 'user', force: true });
  });

  it.each([1, 2, 3, 100])('lists every execution once, %d at a time', (limit) => {
    const run = new RunDriver(nested).start().run('first').run('x.0');
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = executionPage(run.state, { cursor, limit });
      expect(page.executions.length).toBeLessThanOrEqual(limit);
      seen.push(...page.executions.map(({ execution, kind, state }) => `${kind} ${execution} ${state}`));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([
      'execution first succeeded',
      'collection g running',
      'group g.0 running',
      'execution x.0 succeeded',
      'collection y.0 running',
      'execution y.0.0 ready',
      'execution y.0.1 ready',
      'group g.1 running',
      'execution x.1 ready',
      'collection y.1 waiting',
      'execution tidy waiting',
    ]);
  });

  it('shows what never will begin as its surroundings ended', () => {
    const skipped = group('skipped', { when: computed([], () => false), actions: [action('a')], outputs: {} });
    const failing = group('failing', { actions: [action('b'), action('c', { after: ['b'] })], outputs: {} });
    const run = new RunDriver(
      workflow({ actions: [skipped, failing, action('last', { after: ['failing'] })] }),
    ).start();
    run.handOut('b').fail('b');
    expect(describeRun(run.state)?.actions.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'skipped skipped',
      'a skipped',
      'failing failed',
      'b failed',
      'c cancelled',
      'last cancelled',
    ]);
  });

  it('is undefined before it has started', () => {
    expect(describeRun(new RunDriver(nested).state)).toBeUndefined();
  });
});
