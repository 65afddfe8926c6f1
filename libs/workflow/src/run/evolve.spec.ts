import { runEventSchemas, type RunEvent } from '@ryax/contracts';
import { evolve } from './evolve';
import type { RecordedRunEvent } from './run-aggregate';
import { snapshot } from './snapshot';
import { newRun } from './state';
import { action, group, literal, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

const plan = workflow({
  actions: [
    action('retried', { retry: { maxAttempts: 2 } }),
    action('list', { forEach: literal([1]) }),
    action('asked', {
      when: { source: 'true', references: [], path: null, evaluate: () => ({ ok: true, value: true }) },
    }),
    action('never', {
      when: { source: 'false', references: [], path: null, evaluate: () => ({ ok: true, value: false }) },
    }),
    group('pair', { actions: [action('inside')], outputs: {} }),
  ],
});

const counts = { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 };

/** Three runs in which every type of event occurs. */
function everything(): RecordedRunEvent[][] {
  const succeeding = new RunDriver(plan).start().handOut();
  succeeding.handle({ type: 'started', execution: 'retried', attempt: 1, executor: 'e', startedMsAgo: 1 });
  succeeding
    .fail('retried')
    .wakeAt(succeeding.now + 1_000)
    .handOut();
  for (const execution of succeeding.outstanding()) succeeding.succeed(execution);
  const cancelled = new RunDriver(plan).start().handOut('inside');
  cancelled.cancel();
  cancelled.confirmCancelled('inside');
  const failing = new RunDriver(plan).start().handOut('inside').fail('inside');
  return [succeeding.log, cancelled.log, failing.log];
}

describe('evolve', () => {
  it('handles every type of event that a run has', () => {
    const seen = new Set<string>();
    for (const log of everything()) {
      const state = newRun(plan);
      for (const event of log) {
        const before = JSON.stringify({ ...snapshot(state), version: 0, updatedAt: 0 });
        evolve(state, event);
        expect(JSON.stringify({ ...snapshot(state), version: 0, updatedAt: 0 })).not.toBe(before);
        seen.add(event.type);
      }
    }
    expect([...seen].sort()).toEqual(Object.keys(runEventSchemas).sort());
  });

  it('writes only events that their schemas accept', () => {
    for (const { type, data } of everything().flat()) {
      expect(runEventSchemas[type].safeParse(data)).toMatchObject({ success: true });
    }
  });

  it('is not changed by an event that has been applied already, and never throws', () => {
    for (const log of everything()) {
      const state = newRun(plan);
      for (const event of log) {
        evolve(state, event);
        const after = JSON.stringify(snapshot(state));
        evolve(state, event);
        expect(JSON.stringify(snapshot(state))).toBe(after);
      }
    }
  });

  it.each<RunEvent>([
    { type: 'ExecutionStarted', data: { execution: 'retried', attempt: 2, executor: 'e', started_ms_ago: 0 } },
    {
      type: 'ExecutionSucceeded',
      data: { execution: 'retried', attempt: 2, outputs: {}, executor: 'e', duration_ms: 1 },
    },
    {
      type: 'ExecutionCancelled',
      data: { execution: 'retried', attempt: 2, confirmed: true, reason: 'run-cancelled' },
    },
    { type: 'CollectionClosed', data: { execution: 'retried', state: 'succeeded', opened: 0, counts, failure: null } },
    { type: 'ExecutionSkipped', data: { execution: 'retried', reason: { type: 'condition' } } },
  ])('is not changed by $type of an attempt that is not out', (event) => {
    const run = new RunDriver(plan).start().handOut('retried');
    const before = JSON.stringify({ ...snapshot(run.state), version: 0 });
    evolve(run.state, { ...event, version: run.state.version + 1, recordedAt: run.now });
    expect(JSON.stringify({ ...snapshot(run.state), version: 0 })).toBe(before);
  });

  it('never takes force back', () => {
    const run = new RunDriver(plan).start();
    const data = { reason: '', cause: 'user' as const, requested_by: null };
    evolve(run.state, { type: 'RunCancelRequested', data: { ...data, force: true }, version: 2, recordedAt: run.now });
    evolve(run.state, { type: 'RunCancelRequested', data: { ...data, force: false }, version: 3, recordedAt: run.now });
    expect(run.state.forced).toBe(true);
  });

  it('ignores what speaks of executions that there are not', () => {
    const state = newRun(plan);
    const data = { execution: 'nobody.3', attempt: 1, site: 's', pool: 'p' };
    const event: RunEvent = { type: 'ExecutionScheduled', data };
    expect(() => evolve(state, { ...event, version: 1, recordedAt: 0 })).not.toThrow();
  });
});
