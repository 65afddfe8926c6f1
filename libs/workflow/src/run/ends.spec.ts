import { action, group, literal, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';
import { cancelRequests } from './queries';
import { nextWakeup } from './timers';

const withoutFinally = workflow({ actions: [action('a'), action('b'), action('c', { after: ['a', 'b'] })] });

describe('an action that fails under on_failure: fail', () => {
  it('lets nothing new start, has what runs cancelled, and fails the run with the first cause', () => {
    const run = new RunDriver(withoutFinally).start().handOut().fail('a', { message: 'first' });
    expect(run.state.status).toBe('failing');
    expect(cancelRequests(run.state, run.now)).toMatchObject([{ execution: 'b', attempt: 1, force: false }]);
    run.fail('b', { message: 'second' });
    expect(run.events('RunFailed')).toEqual([
      {
        failure: { kind: 'crash', message: 'first' },
        execution: 'a',
        counts: { succeeded: 0, failed: 2, skipped: 0, cancelled: 1 },
      },
    ]);
  });

  it('does not retry what fails while its scope is being stopped', () => {
    const retrying = workflow({ actions: [action('a'), action('b', { retry: { maxAttempts: 3 } })] });
    const run = new RunDriver(retrying).start().handOut().fail('a').fail('b');
    expect(run.events('ExecutionRetryScheduled')).toEqual([]);
    expect(run.state.status).toBe('failed');
  });

  it('takes no retry that was waiting either', () => {
    const retrying = workflow({ actions: [action('a'), action('b', { retry: { maxAttempts: 3 } })] });
    const run = new RunDriver(retrying).start().handOut().fail('b').fail('a');
    expect(run.state.status).toBe('failed');
    expect(run.events('RunFailed')[0]?.counts).toEqual({ succeeded: 0, failed: 1, skipped: 0, cancelled: 1 });
  });
});

describe('a group in which something runs when the run fails', () => {
  it('ends as cancelled, and so does a collection', () => {
    const surrounded = workflow({
      actions: [
        action('a'),
        group('g', { actions: [action('inner')], outputs: {} }),
        action('list', { forEach: literal([1, 2]) }),
      ],
    });
    const run = new RunDriver(surrounded).start().handOut('a', 'inner', 'list.0').fail('a');
    run.confirmCancelled('inner').confirmCancelled('list.0');
    expect(run.story().slice(-5)).toEqual([
      'ExecutionCancelled inner',
      'ExecutionCancelled g',
      'ExecutionCancelled list.0',
      'CollectionClosed list',
      'RunFailed a',
    ]);
    expect(run.events('ExecutionCancelled').map(({ reason }) => reason)).toEqual([
      'run-failed',
      'run-failed',
      'run-failed',
    ]);
    expect(run.events('CollectionClosed')[0]).toMatchObject({ state: 'cancelled', failure: null });
  });
});

describe('cancel', () => {
  it('stops what runs, drops what waits, and ends the run as cancelled', () => {
    const run = new RunDriver(withoutFinally).start().handOut();
    expect(run.cancel()).toMatchObject({ type: 'decided', reply: { runId: 'r1', state: 'cancelling' } });
    run.confirmCancelled('a').confirmCancelled('b');
    expect(run.events('ExecutionCancelled')).toEqual([
      { execution: 'a', attempt: 1, confirmed: true, reason: 'run-cancelled' },
      { execution: 'b', attempt: 1, confirmed: true, reason: 'run-cancelled' },
    ]);
    expect(run.events('RunCancelled')).toEqual([
      { reason: 'enough', counts: { succeeded: 0, failed: 0, skipped: 0, cancelled: 3 } },
    ]);
  });

  it('ends a run at once of which nothing runs', () => {
    const run = new RunDriver(withoutFinally).start();
    run.cancel();
    expect(run.story().slice(-2)).toEqual(['RunCancelRequested', 'RunCancelled']);
  });

  it('records a success that arrives after it, and still ends the run as cancelled', () => {
    const run = new RunDriver(withoutFinally).start().handOut();
    run.cancel();
    run.succeed('a', { v: 1 });
    expect(run.events('ExecutionSucceeded')).toHaveLength(1);
    run.confirmCancelled('b');
    expect(run.state.status).toBe('cancelled');
    expect(run.events('RunCancelled')[0]?.counts).toEqual({ succeeded: 1, failed: 0, skipped: 0, cancelled: 2 });
  });

  it('is answered and changes nothing when it is repeated', () => {
    const run = new RunDriver(withoutFinally).start().handOut();
    run.cancel();
    const { length } = run.log;
    expect(run.cancel()).toMatchObject({ type: 'decided', events: [], reply: { state: 'cancelling' } });
    expect(run.log).toHaveLength(length);
  });

  it('is answered and changes nothing once the run has ended', () => {
    const run = new RunDriver(withoutFinally).start().run('a').run('b').run('c');
    expect(run.cancel(true)).toMatchObject({ type: 'decided', events: [], reply: { state: 'succeeded' } });
  });

  it('does not take the first cause from a run that is failing', () => {
    const run = new RunDriver(withoutFinally).start().handOut().fail('a');
    expect(run.cancel()).toMatchObject({ events: [], reply: { state: 'failing' } });
    run.confirmCancelled('b');
    expect(run.state.status).toBe('failed');
  });

  it('is refused where there is no run', () => {
    const run = new RunDriver(withoutFinally);
    expect(run.cancel()).toMatchObject({ type: 'rejected', rejection: { code: 'not-found' } });
  });

  it('is asked by force after a minute, and given up unconfirmed after two', () => {
    const run = new RunDriver(withoutFinally).start().handOut('a');
    run.cancel();
    const { now } = run;
    expect(nextWakeup(run.state)).toBe(now + 60_000);
    run.wakeAt(now + 60_000);
    expect(cancelRequests(run.state, run.now)).toMatchObject([{ execution: 'a', force: true, since: now }]);
    expect(nextWakeup(run.state)).toBe(now + 120_000);
    run.wakeAt(now + 120_000);
    expect(run.events('ExecutionCancelled')).toEqual([
      { execution: 'a', attempt: 1, confirmed: false, reason: 'run-cancelled' },
    ]);
    expect(run.state.status).toBe('cancelled');
  });

  it('is given up for each attempt after its own two minutes', () => {
    const failing = (id: string) =>
      group(id, { onFailure: 'continue', actions: [action(`${id}_fails`), action(`${id}_runs`)], outputs: {} });
    const run = new RunDriver(workflow({ actions: [failing('early'), failing('late')] })).start().handOut();
    const { now } = run;
    run
      .fail('early_fails')
      .wakeAt(now + 100_000)
      .fail('late_fails')
      .wakeAt(now + 120_000);
    expect(run.events('ExecutionCancelled')).toMatchObject([{ execution: 'early_runs', confirmed: false }]);
    run.wakeAt(now + 220_000);
    expect(run.events('ExecutionCancelled')).toMatchObject([{ execution: 'early_runs' }, { execution: 'late_runs' }]);
    expect(run.state.status).toBe('succeeded');
  });

  it('keeps the reason of the first, also when force is added', () => {
    const run = new RunDriver(withoutFinally).start().handOut('a');
    run.cancel(false, 'first');
    run.cancel(true, 'second');
    run.confirmCancelled('a');
    expect(run.events('RunCancelled')[0]?.reason).toBe('first');
  });

  it('is confirmed by the absence of the attempt', () => {
    const run = new RunDriver(withoutFinally).start().handOut('a');
    run.cancel();
    run.handle({ type: 'vanished', execution: 'a', attempt: 1, reason: 'nobody has it' });
    expect(run.events('ExecutionCancelled')).toMatchObject([{ execution: 'a', confirmed: true }]);
  });

  it('what a cancel leaves unopened is closed by one event, after open groups and collections, from the inside out', () => {
    const nested = workflow({
      actions: [
        group('g', {
          forEach: { in: literal([1, 2, 3]), concurrency: 2 },
          actions: [action('a'), action('b', { after: ['a'] })],
          outputs: {},
        }),
      ],
    });
    const run = new RunDriver(nested).start().handOut('a.1');
    run.cancel();
    run.confirmCancelled('a.1');
    expect(run.story().slice(-6)).toEqual([
      'RunCancelRequested',
      'ExecutionCancelled g.0',
      'ExecutionCancelled a.1',
      'ExecutionCancelled g.1',
      'CollectionClosed g',
      'RunCancelled',
    ]);
    expect(run.events('CollectionClosed')[0]).toEqual({
      execution: 'g',
      state: 'cancelled',
      opened: 2,
      counts: { succeeded: 0, failed: 0, skipped: 0, cancelled: 3 },
      failure: null,
    });
  });
});

describe('the time limit of a run', () => {
  const limited = workflow({
    actions: [action('a'), action('b', { after: ['a'] })],
    finally: [action('tidy')],
    timeoutMs: 10_000,
  });

  it('stops it, lets finally run, and fails it', () => {
    const run = new RunDriver(limited).start().handOut('a');
    expect(nextWakeup(run.state)).toBe(run.now + 10_000);
    run
      .wakeAt(run.now + 10_000)
      .confirmCancelled('a')
      .run('tidy');
    expect(run.story().slice(2)).toEqual([
      'RunCancelRequested',
      'ExecutionCancelled a',
      'ExecutionScheduled tidy',
      'ExecutionSucceeded tidy',
      'RunFailed',
    ]);
    expect(run.events('ExecutionCancelled')[0]?.reason).toBe('run-timeout');
    expect(run.events('RunFailed')[0]?.failure).toEqual({
      kind: 'timeout',
      message: 'The run did not end within 10000 ms',
    });
  });

  it('does not touch finally, which has its own timer', () => {
    const run = new RunDriver(limited).start().run('a').run('b').handOut('tidy');
    run.wakeAt(run.now + 10_000);
    expect(run.events('RunCancelRequested')).toEqual([]);
    run.succeed('tidy');
    expect(run.state.status).toBe('succeeded');
  });

  it('comes too late for a run whose last success was handled before it', () => {
    const short = new RunDriver(workflow({ actions: [action('a')], timeoutMs: 10 })).start().handOut();
    short.now += 10;
    short.succeed('a').wakeAt(short.now);
    expect(short.state.status).toBe('succeeded');
  });

  it('stops a run whose last success is handled after it', () => {
    const short = new RunDriver(workflow({ actions: [action('a')], timeoutMs: 10 })).start().handOut();
    short.wakeAt(short.now + 10).succeed('a');
    expect(short.events('ExecutionSucceeded')).toHaveLength(1);
    expect(short.state.status).toBe('failed');
  });
});
