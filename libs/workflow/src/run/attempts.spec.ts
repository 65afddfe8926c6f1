import { action, literal, workflow, type ActionOptions } from './testing/plan-builder';
import { plainDemand, slotlessDemand } from '../placement';
import { grownMemory, startRequest } from './queries';
import { restore, snapshot, type RunSnapshot } from './snapshot';
import { noValues, RunDriver } from './testing/run-driver';
import { nextWakeup } from './timers';

const retrying = (options: ActionOptions['retry'] = { maxAttempts: 3 }) =>
  new RunDriver(workflow({ actions: [action('a', { retry: options })] })).start();

describe('an attempt', () => {
  it('is numbered from one and recorded as handed out to a site and pool', () => {
    const run = retrying().handOut('a');
    expect(run.events('ExecutionScheduled')).toEqual([{ execution: 'a', attempt: 1, site: 's', pool: 'default' }]);
    expect(run.attempts()).toEqual([
      {
        execution: 'a',
        attempt: 1,
        site: 's',
        pool: 'default',
        demand: plainDemand,
        scheduledAt: run.now,
        cancelling: null,
      },
    ]);
  });

  it('holds no slot when it is of a built-in', () => {
    const plan = workflow({
      actions: [action('nap', { action: { type: 'builtin', name: 'sleep' }, inputs: { seconds: literal(1) } })],
    });
    const run = new RunDriver(plan).start().handOut();
    expect(run.attempts()).toMatchObject([{ execution: 'nap', demand: slotlessDemand }]);
  });

  it('is seen running once, however often that is reported', () => {
    const run = retrying().handOut('a');
    const report = { type: 'started', execution: 'a', attempt: 1, executor: 'e1', startedMsAgo: 120 } as const;
    run.handle(report);
    run.handle(report);
    expect(run.events('ExecutionStarted')).toEqual([
      { execution: 'a', attempt: 1, executor: 'e1', started_ms_ago: 120 },
    ]);
  });

  it.each([
    ['of an attempt that has ended', 'a', 1],
    ['of an attempt that was never handed out', 'a', 3],
    ['of an execution that there is not', 'b', 1],
    ['of an element of what is no collection', 'a.0', 1],
    ['under a name that is none', 'a..x', 1],
  ])('is not changed by a report %s', (_, execution, attempt) => {
    const run = retrying().handOut('a').fail('a');
    run.wakeAt(nextWakeup(run.state) ?? 0).handOut('a');
    const { length } = run.log;
    const about = { execution, attempt, executor: 'e1' };
    run.handle({ type: 'started', ...about, startedMsAgo: 1 });
    run.handle({ type: 'ended', ...about, outcome: { status: 'succeeded', outputs: {} }, durationMs: 1 });
    run.handle({ type: 'ended', ...about, outcome: { status: 'cancelled' }, durationMs: 1 });
    run.handle({ type: 'vanished', ...about, reason: 'gone' });
    expect(run.log).toHaveLength(length);
    expect(run.attempts()).toMatchObject([{ execution: 'a', attempt: 2 }]);
  });

  it('is not handed out twice', () => {
    const run = retrying().handOut('a', 'a').handOut('a');
    expect(run.events('ExecutionScheduled')).toHaveLength(1);
  });

  it('passes a user failure on as it is, with its code', () => {
    const run = retrying().handOut('a').fail('a', { kind: 'user', message: 'no such region', code: 404 });
    expect(run.events('RunFailed')[0]?.failure).toEqual({ kind: 'user', message: 'no such region', code: 404 });
  });

  it('keeps no more of an endless failure message than an event can hold', () => {
    const run = retrying()
      .handOut('a')
      .fail('a', { kind: 'user', message: 'é'.repeat(500_000), details: { all: 'x' } });
    const { failure } = run.events('RunFailed')[0] ?? {};
    expect(failure?.message).toMatch(/^éé+…$/);
    expect(JSON.stringify(run.log).length).toBeLessThan(60_000);
  });

  it('keeps the warnings of a success', () => {
    const run = retrying().handOut('a');
    run.report('a', { status: 'succeeded', outputs: {}, warnings: ['slow'] });
    expect(run.events('ExecutionSucceeded')[0]?.warnings).toEqual(['slow']);
  });

  it('counts as lost when it was stopped and nobody asked for that', () => {
    const run = retrying().handOut('a').confirmCancelled('a');
    expect(run.events('ExecutionFailed')[0]).toMatchObject({ failure: { kind: 'lost' }, will_retry: true });
  });
});

describe('a retry', () => {
  it('follows a crash after a recorded pause, until attempts run out', () => {
    const run = retrying().handOut('a').fail('a');
    expect(run.events('ExecutionFailed')[0]).toMatchObject({ attempt: 1, will_retry: true });
    expect(run.events('ExecutionRetryScheduled')[0]).toEqual({
      execution: 'a',
      attempt: 2,
      delay_ms: 500,
      due_at_ms: run.now + 500,
      budget: 'user',
    });
    run
      .wakeAt(run.now + 500)
      .handOut('a')
      .fail('a');
    run
      .wakeAt(run.now + 1_000)
      .handOut('a')
      .fail('a');
    expect(run.events('ExecutionFailed').map(({ will_retry }) => will_retry)).toEqual([true, true, false]);
    expect(run.state.status).toBe('failed');
  });

  it('becomes ready when its time has come, and not before', () => {
    const run = retrying().handOut('a').fail('a');
    expect(run.ready()).toEqual([]);
    expect(nextWakeup(run.state)).toBe(run.now + 500);
    run.wakeAt(run.now + 499);
    expect(run.ready()).toEqual([]);
    run.wakeAt(run.now + 1);
    expect(run.ready()).toEqual(['a']);
    expect(nextWakeup(run.state)).toBeNull();
  });

  it('is not made of what its policy does not name', () => {
    const run = retrying({ maxAttempts: 3, on: new Set(['timeout']) })
      .handOut('a')
      .fail('a', { kind: 'crash' });
    expect(run.state.status).toBe('failed');
  });

  it.each(['user', 'rejected', 'invalid'] as const)('is never made of a failure of kind %s', (kind) => {
    const run = retrying().handOut('a').fail('a', { kind });
    expect(run.state.status).toBe('failed');
  });

  it('of a lost attempt does not use up what the user granted', () => {
    const run = retrying({ maxAttempts: 2 }).handOut('a');
    for (let attempt = 1; attempt <= 4; attempt++) {
      run.handle({ type: 'vanished', execution: 'a', attempt, reason: 'its node is gone' });
      run.wakeAt(nextWakeup(run.state) ?? 0).handOut('a');
    }
    run.fail('a');
    expect(run.events('ExecutionRetryScheduled').map(({ budget }) => budget)).toEqual([
      'infrastructure',
      'infrastructure',
      'infrastructure',
      'infrastructure',
      'user',
    ]);
  });

  it('of a lost attempt is made until the engine’s own budget runs out', () => {
    const run = retrying({ maxAttempts: 1 }).handOut('a');
    while (run.state.end === null) {
      run
        .fail('a', { kind: 'lost', message: 'gone' })
        .wakeAt(nextWakeup(run.state) ?? run.now)
        .handOut('a');
    }
    expect(run.events('ExecutionFailed')).toHaveLength(10);
    expect(run.events('RunFailed')[0]?.failure.kind).toBe('lost');
  });

  it('of an image that cannot be had is made twice, whatever was lost before or is after', () => {
    const run = retrying({ maxAttempts: 1 }).handOut('a');
    for (const kind of ['lost', 'image', 'lost', 'image', 'lost', 'image'] as const) {
      run
        .fail('a', { kind, message: kind })
        .wakeAt(nextWakeup(run.state) ?? run.now)
        .handOut('a');
      run.state = restore(run.state.plan, JSON.parse(JSON.stringify(snapshot(run.state))) as RunSnapshot);
    }
    expect(run.events('ExecutionFailed').map(({ will_retry }) => will_retry)).toEqual([
      ...Array<boolean>(5).fill(true),
      false,
    ]);
    expect(run.events('RunFailed')[0]?.failure.kind).toBe('image');
  });

  it('that succeeds leaves no trace of the failure in the verdict', () => {
    const run = retrying().handOut('a').fail('a');
    run.wakeAt(run.now + 500).run('a');
    expect(run.events('RunSucceeded')[0]?.counts).toEqual({ succeeded: 1, failed: 0, skipped: 0, cancelled: 0 });
  });
});

describe('starting a run', () => {
  const plan = workflow({
    trigger: [
      { name: 'region', type: 'string' },
      { name: 'limit', type: 'integer', default_value: 10 },
    ],
    actions: [action('a')],
  });
  const command = {
    run_id: 'r1',
    workflow_id: 'w',
    workflow_version: 1,
    definition_hash: `sha256:${'0'.repeat(64)}`,
    inputs: { region: 'alps' },
    labels: { team: 'geo' },
    request_hash: 'h',
    key: 'k',
    started_by: 'ada',
  };

  it('records its inputs with their defaults, and who asked', () => {
    const run = new RunDriver(plan);
    expect(run.handle({ type: 'start', command })).toMatchObject({ reply: { runId: 'r1', state: 'running' } });
    expect(run.events('RunStarted')[0]).toMatchObject({
      inputs: { region: 'alps', limit: 10 },
      started_by: 'ada',
      origin: null,
    });
  });

  it('is refused with every input that does not fit', () => {
    const run = new RunDriver(plan);
    const decision = run.handle({ type: 'start', command: { ...command, inputs: { limit: 'x' } } });
    expect(decision).toMatchObject({ type: 'rejected', rejection: { code: 'invalid' } });
    expect(decision.type === 'rejected' && decision.rejection.details?.map(({ path }) => path)).toEqual([
      'inputs.region',
      'inputs.limit',
    ]);
    expect(run.log).toEqual([]);
  });

  it('answers a repeat of the same request the same, and records it once', () => {
    const run = new RunDriver(plan);
    run.handle({ type: 'start', command });
    expect(run.handle({ type: 'start', command })).toMatchObject({
      events: [],
      reply: { runId: 'r1', state: 'running' },
    });
    expect(run.events('RunStarted')).toHaveLength(1);
  });

  it('answers a repeat with the version that it pins, whatever has been deployed since', () => {
    const run = new RunDriver(plan);
    run.handle({ type: 'start', command });
    const repeat = { ...command, workflow_version: 7 };
    expect(run.handle({ type: 'start', command: repeat })).toMatchObject({ reply: { workflowVersion: 1 } });
  });

  it('is refused under a key that another request has used', () => {
    const run = new RunDriver(plan);
    run.handle({ type: 'start', command });
    const other = run.handle({ type: 'start', command: { ...command, request_hash: 'other' } });
    expect(other).toMatchObject({ type: 'rejected', rejection: { code: 'key-reused' } });
  });

  it('ends at once when there is nothing to do', () => {
    const run = new RunDriver(workflow({ actions: [action('a', { forEach: literal([]) })] })).start();
    expect(run.story()).toEqual(['RunStarted', 'CollectionOpened a', 'CollectionClosed a', 'RunSucceeded']);
  });
});

describe('an attempt after one that ran out of memory', () => {
  const mib = 2 ** 20;
  const outOfMemory = (had: number) =>
    ({ kind: 'out-of-memory', message: 'killed', details: { memory_bytes: had } }) as const;
  const memoryOf = (run: RunDriver) => {
    const answer = startRequest(run.state, 'a', noValues);
    return answer.type === 'request' ? (answer.request.resources.memory_bytes ?? 0) / mib : answer.type;
  };

  it('asks for twice as much, also when the run is folded from a snapshot or from its events', () => {
    const run = retrying()
      .handOut('a')
      .fail('a', outOfMemory(100 * mib));
    run.wakeAt(run.now + 60_000);
    run.handOut('a');
    expect(memoryOf(run)).toBe(200);

    run.state = restore(run.state.plan, JSON.parse(JSON.stringify(snapshot(run.state))));
    expect(memoryOf(run)).toBe(200);
    expect(grownMemory(run.state, 'a')).toBe(200 * mib);
  });

  it('asks for as much as its definition lets it', () => {
    const run = retrying({ maxAttempts: 3, memory: { factor: 10, maxBytes: 300 * mib } }).handOut('a');
    run.fail('a', outOfMemory(100 * mib)).wakeAt(run.now + 60_000);
    run.handOut('a');
    expect(memoryOf(run)).toBe(300);
  });

  it('keeps what it has when it then fails in another way', () => {
    const run = retrying()
      .handOut('a')
      .fail('a', outOfMemory(100 * mib));
    run.wakeAt(run.now + 60_000);
    run.handOut('a').fail('a', { kind: 'crash', message: 'no' });
    run.wakeAt(run.now + 120_000);
    run.handOut('a');
    expect(memoryOf(run)).toBe(200);
  });
});
