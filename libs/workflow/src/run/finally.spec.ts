import { action, computed, expression, field, ref, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';
import { cancelRequests } from './queries';

/** Two in parallel, one after them, and a clean-up. */
const plan = workflow({
  actions: [action('a'), action('b'), action('c', { inputs: { a: ref('a.v'), b: ref('b.v') } })],
  finally: [action('tidy', { inputs: { a: expression(computed(['state.a'], (scope) => field(scope, 'state.a'))) } })],
});

describe('finally', () => {
  it('runs after success, and sees how every action ended', () => {
    const run = new RunDriver(plan).start().run('a', { v: 1 }).run('b', { v: 1 }).run('c');
    expect(run.state.status).toBe('finalizing');
    run.handOut('tidy');
    expect(run.inputsOf('tidy')).toEqual({ a: 'succeeded' });
    run.succeed('tidy');
    expect(run.state.status).toBe('succeeded');
  });

  it('begins only when everything that was cancelled has confirmed', () => {
    const run = new RunDriver(plan).start().handOut().fail('a');
    expect(run.ready()).toEqual([]);
    run.confirmCancelled('b');
    expect(run.ready()).toEqual(['tidy']);
    run.handOut('tidy');
    expect(run.inputsOf('tidy')).toEqual({ a: 'failed' });
    run.succeed('tidy');
    expect(run.events('RunFailed')[0]?.execution).toBe('a');
  });

  it('sees as cancelled what never began', () => {
    const states = expression(computed(['state.a', 'state.c'], ({ state }) => state ?? null));
    const two = workflow({
      actions: [action('a'), action('c', { after: ['a'] })],
      finally: [action('tidy', { inputs: { states } })],
    });
    const run = new RunDriver(two).start().handOut().fail('a').handOut('tidy');
    expect(run.inputsOf('tidy')).toEqual({ states: { a: 'failed', c: 'cancelled' } });
  });

  it('runs after a cancel, and the run ends as cancelled', () => {
    const run = new RunDriver(plan).start();
    run.cancel();
    expect(run.state.status).toBe('finalizing');
    run.run('tidy');
    expect(run.state.status).toBe('cancelled');
  });

  it('goes on when it is cancelled, and the run ends as cancelled', () => {
    const run = new RunDriver(plan).start().run('a', { v: 1 }).run('b', { v: 1 }).run('c').handOut('tidy');
    expect(run.cancel()).toMatchObject({ reply: { state: 'finalizing' } });
    expect(cancelRequests(run.state, run.now)).toEqual([]);
    run.succeed('tidy');
    expect(run.state.status).toBe('cancelled');
  });

  it('is ended by a cancel with force', () => {
    const run = new RunDriver(plan).start().run('a', { v: 1 }).run('b', { v: 1 }).run('c').handOut('tidy');
    run.cancel(true);
    expect(cancelRequests(run.state, run.now)).toMatchObject([{ execution: 'tidy', force: true }]);
    run.confirmCancelled('tidy');
    expect(run.state.status).toBe('cancelled');
  });

  it('is ended by force also when a cancel without came before, and a repeat of either changes nothing', () => {
    const run = new RunDriver(plan).start();
    run.cancel();
    run.handOut('tidy');
    run.cancel();
    run.cancel(true);
    run.cancel(true);
    run.cancel();
    expect(run.events('RunCancelRequested').map(({ force }) => force)).toEqual([false, true]);
    run.confirmCancelled('tidy');
    expect(run.state.status).toBe('cancelled');
  });

  it('does not begin after a cancel with force', () => {
    const run = new RunDriver(plan).start().handOut();
    run.cancel(true);
    run.confirmCancelled('a').confirmCancelled('b');
    expect(run.story().slice(-1)).toEqual(['RunCancelled']);
  });

  it('fails a run that would have succeeded', () => {
    const run = new RunDriver(plan).start().run('a', { v: 1 }).run('b', { v: 1 }).run('c').handOut('tidy').fail('tidy');
    expect(run.events('RunFailed')[0]).toMatchObject({ execution: 'tidy', failure: { message: 'boom' } });
  });

  it('goes on with its other actions when one fails', () => {
    const two = workflow({ actions: [action('a')], finally: [action('x'), action('y')] });
    const run = new RunDriver(two).start().run('a').handOut().fail('x');
    expect(run.attempts()).toMatchObject([{ execution: 'y', cancelling: null }]);
    run.succeed('y');
    expect(run.state.status).toBe('failed');
  });

  it('does not change the verdict of a run when its failure is tolerated', () => {
    const tolerant = workflow({ actions: [action('a')], finally: [action('x', { onFailure: 'continue' })] });
    const run = new RunDriver(tolerant).start().run('a').handOut().fail('x');
    expect(run.state.status).toBe('succeeded');
  });

  it('has a time limit of its own, which fails the run', () => {
    const limited = workflow({
      actions: [action('a')],
      finally: [action('x'), action('y', { after: ['x'] })],
      finallyTimeoutMs: 5_000,
    });
    const run = new RunDriver(limited).start().run('a').handOut('x');
    run.wakeAt(run.now + 5_000);
    expect(run.events('RunCancelRequested')).toMatchObject([{ cause: 'finally-timeout', force: true }]);
    run.confirmCancelled('x');
    expect(run.events('ExecutionCancelled')).toMatchObject([{ execution: 'x', reason: 'finally-timeout' }]);
    expect(run.events('RunFailed')[0]).toMatchObject({ failure: { kind: 'timeout' }, execution: null });
  });
});
