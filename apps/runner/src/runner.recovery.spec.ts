import { EVENT_SCHEMA, type JsonObject } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import { Reconciliation } from './reconciliation';
import type { Engine } from './testing/engine';
import type { ExecutorDouble } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const noop = (id: string, more = {}) => ({ id, action: 'core/noop', ...more });
const work = (id: string, more = {}) => ({ id, container: { image: 'alpine', command: ['true'] }, ...more });
const isEnd = (type: string) => type === 'RunSucceeded';
const occurrences = (types: readonly string[], type: string) => types.filter((each) => each === type).length;

describe('Runner', () => {
  const opened = useEngine();
  let engine: Engine;
  const run = 'run';

  beforeEach(() => {
    engine = opened();
  });
  afterEach(() => jest.restoreAllMocks());

  const ended = (id = run) =>
    waitFor(async () => (await engine.history(id)).some(isEnd), { describe: `${id} to succeed` });
  const started = (executor: ExecutorDouble, execution: string) =>
    waitFor(() => executor.startsOf(execution)[0], { describe: `${execution} to be started` });

  it('hands out one action after the other, and settles what has ended', async () => {
    await engine.runner();
    const executor = await engine.executor();
    executor.succeeds = true;
    const hash = await engine.define([work('a'), work('b', { after: ['a'] })]);
    await expect(engine.start(run, hash)).resolves.toMatchObject({ status: 'accepted' });
    await ended();
    await waitFor(() => executor.settled.length === 2);
    expect(executor.starts.map(({ execution }) => execution)).toEqual(['a', 'b']);
  });

  it('sends a start to another executor when the one that it chose has no queue any more', async () => {
    await engine.runner({ executorPatienceMs: 60_000, startValidityMs: 60_000 });
    const gone = await engine.executor('gone');
    const executor = await engine.executor('there');
    await gone.close();
    executor.succeeds = true;
    const works = Array.from({ length: 6 }, (_, index) => work(`w${index}`));
    await engine.start(run, await engine.define(works));
    await ended();
    expect(executor.starts).toHaveLength(works.length);
    expect((await engine.history(run)).filter((type) => type === 'ExecutionFailed')).toEqual([]);
  });

  it('settles a report of a closed attempt without an event', async () => {
    await engine.runner();
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a')]));
    const start = await started(executor, 'a');
    await executor.end(start);
    await ended();
    const before = await engine.history(run);
    await executor.end(start);
    await waitFor(() => executor.settled.length === 2);
    expect(await engine.history(run)).toEqual(before);
  });

  it('a stale cache does not swallow the success of an attempt that it has never heard of', async () => {
    await engine.runner();
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a')]));
    const start = await started(executor, 'a');
    const scheduled = JSON.parse((await engine.runs.events(run)).at(-1)?.data ?? '') as JsonObject;
    const failed = {
      execution: 'a',
      attempt: 1,
      failure: { kind: 'lost', message: 'its executor is gone' },
      will_retry: true,
      executor: null,
      duration_ms: null,
    };
    const retry = { execution: 'a', attempt: 2, delay_ms: 0, due_at_ms: 0, budget: 'infrastructure' };
    await engine.runs.append(run, [
      { type: 'ExecutionFailed', data: failed },
      { type: 'ExecutionRetryScheduled', data: retry },
      { type: 'ExecutionScheduled', data: { ...scheduled, attempt: 2 } },
    ]);
    await executor.end({ ...start, attempt: 2 });
    await ended();
    const succeeded = (await engine.runs.events(run)).filter(({ type }) => type === 'ExecutionSucceeded');
    expect(succeeded.map(({ data }) => JSON.parse(data) as object)).toMatchObject([{ execution: 'a', attempt: 2 }]);
    await waitFor(() => executor.settled.some(({ attempt }) => attempt === 2));
    expect(occurrences(await engine.history(run), 'ExecutionScheduled')).toBe(2);
    expect(engine.server.takeParked()).toEqual([]);
  });

  it('a report is not swallowed by a cache of another history of the same length', async () => {
    await engine.runner();
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a'), work('b')]));
    const [a, b] = [await started(executor, 'a'), await started(executor, 'b')];
    await executor.end(a);
    await waitFor(() => executor.settled.length === 1);
    const { length } = await engine.history(run);
    await engine.runs.rewind(run, length - 1);
    const succeeded = { execution: 'b', attempt: 1, outputs: {}, executor: 'e1', duration_ms: 1 };
    await engine.runs.append(run, [{ type: 'ExecutionSucceeded', data: succeeded }]);
    await executor.end(a);
    await ended();
    await executor.end(b);
    await waitFor(() => executor.settled.length === 3);
    expect(occurrences(await engine.history(run), 'ExecutionSucceeded')).toBe(2);
  });

  it.each([
    ['schema', { type: 'ExecutionSucceeded', schema: EVENT_SCHEMA + 1 }],
    ['type', { type: 'ExecutionForetold' }],
  ])(
    'an event of a newer %s makes its run unreadable here: it is not skipped, nothing of it is settled, others go on',
    async (_, newer) => {
      await engine.runner();
      const executor = await engine.executor();
      const hash = await engine.define([work('a')]);
      await engine.start(run, hash);
      const start = await started(executor, 'a');
      await engine.runs.append(run, [{ ...newer, data: { execution: 'a', attempt: 1 } }]);
      const before = await engine.history(run);
      await executor.end(start);
      executor.succeeds = true;
      await engine.start(`${run}-other`, hash);
      await ended(`${run}-other`);
      await waitFor(() => engine.server.depth('ryax.dead') === 1, { timeoutMs: 20_000 });
      await waitFor(() => executor.settled.length > 0);
      expect(await engine.history(run)).toEqual(before);
      expect(executor.settled.map((settled) => settled.run_id)).toEqual([`${run}-other`]);
    },
  );

  /** More than a message has before it is parked; beats and timers fail beside it. */
  const triesThatWouldPark = 40;

  it('keeps the messages while the database is away and parks none', async () => {
    const { faults } = await engine.runner({ runnerPatienceMs: 60_000 });
    const executor = await engine.executor();
    const hash = await engine.define(
      [work('a', { inputs: { big: '=size(trigger.text)' } })],
      [{ name: 'text', type: 'string' }],
    );
    await engine.start(run, hash, { text: 'x'.repeat(2_000) });
    const start = await started(executor, 'a');
    faults.isAway = true;
    const replies = ['p', 'q'].map((more) => engine.start(`${run}-${more}`, hash, { text: 'y'.repeat(2_000) }));
    await executor.end(start);
    await waitFor(() => faults.refusedCalls >= triesThatWouldPark);
    executor.succeeds = true;
    faults.isAway = false;
    await expect(Promise.all(replies)).resolves.toMatchObject([{ status: 'accepted' }, { status: 'accepted' }]);
    for (const id of [run, `${run}-p`, `${run}-q`]) await ended(id);
    expect(engine.server.takeParked()).toEqual([]);
  });

  it.each([
    ['was refused', 'refusedAppends'],
    ['was committed without an answer', 'unansweredAppends'],
  ] as const)(
    'a commit that failed or whose answer was lost leaves no state ahead of the log: one that %s',
    async (_, fault) => {
      const { faults } = await engine.runner();
      await engine.start(run, await engine.define([work('a')]));
      faults[fault] = 1;
      const executor = await engine.executor();
      executor.succeeds = true;
      await ended();
      expect(occurrences(await engine.history(run), 'ExecutionScheduled')).toBe(1);
    },
  );

  it('hands out again after a takeover what was ready and had no message coming', async () => {
    const { kill } = await engine.runner();
    await engine.start(run, await engine.define([work('a')]));
    await kill();
    await engine.runner();
    const executor = await engine.executor();
    executor.succeeds = true;
    await ended();
  });

  it('serves other runs while the work of one cannot be handed out, and that one later', async () => {
    const { faults } = await engine.runner();
    const executor = await engine.executor();
    executor.succeeds = true;
    const content = await engine.files.put(JSON.stringify('far away'));
    faults.unreadable.add(content.hash);
    const hash = await engine.define(
      [work('a', { inputs: { n: '=size(trigger.text)' } })],
      [{ name: 'text', type: 'json' }],
    );
    await engine.start(run, hash, { text: { $value: content.hash, size: content.size } });
    await engine.start(`${run}-other`, hash, { text: 'near' });
    await ended(`${run}-other`);
    expect(executor.startsOf('a')).toHaveLength(1);
    faults.unreadable.clear();
    await ended();
  });

  it('sends by reference what is larger than a value may be inside a message, in bytes', async () => {
    await engine.runner({ inlineValueBytes: 1_000 });
    const executor = await engine.executor();
    executor.succeeds = true;
    const declared = ['short', 'long'].map((name) => ({ name, type: 'string' }));
    const hash = await engine.define(
      [work('a', { inputs: { short: '=trigger.short', long: '=trigger.long' } })],
      declared,
    );
    await engine.start(run, hash, { short: 'x'.repeat(998), long: '日'.repeat(500) });
    await ended();
    expect(executor.startsOf('a')[0]?.inputs).toEqual({
      short: 'x'.repeat(998),
      long: { $value: expect.any(String), size: 1_502 },
    });
  });

  it('refuses a command whose event no log could hold, and appends the others', async () => {
    await engine.runner();
    const executor = await engine.executor();
    executor.succeeds = true;
    const hash = await engine.define([noop('a')], [{ name: 'text', type: 'string' }]);
    const replies = [
      engine.start(run, hash, { text: 'x' }),
      engine.start(`${run}-big`, hash, { text: 'x'.repeat(300_000) }),
    ];
    await expect(Promise.all(replies)).resolves.toMatchObject([
      { status: 'accepted' },
      { status: 'rejected', rejection: { code: 'too-large' } },
    ]);
    await ended();
    expect(engine.server.takeParked()).toEqual([]);
  });

  it('ends an attempt as failed whose outcome no event could hold', async () => {
    await engine.runner();
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a')]));
    await executor.end(await started(executor, 'a'), { status: 'succeeded', outputs: { text: 'x'.repeat(300_000) } });
    await waitFor(async () => (await engine.history(run)).includes('RunFailed'));
    await waitFor(() => executor.settled.length === 1);
  });

  it('does not settle a report of a run whose definition is not to be had', async () => {
    const { kill } = await engine.runner();
    const executor = await engine.executor();
    const hash = await engine.define([work('a')]);
    await engine.start(run, hash);
    const start = await started(executor, 'a');
    await kill();
    const { faults, runner } = await engine.runner();
    faults.missing.add(hash);
    expect(runner.incarnation).toBeDefined();
    await executor.end(start);
    await waitFor(() => engine.server.depth('ryax.dead') === 1, { timeoutMs: 20_000 });
    expect(executor.settled).toEqual([]);
    faults.missing.clear();
    await executor.end(start);
    await ended();
  });

  it('asks by force for what does not stop within a minute', async () => {
    // It would repeat the cancel each 3 s, by force in the end: what is seen here comes of the decision, at once.
    jest.spyOn(Reconciliation.prototype, 'tick').mockResolvedValue();
    const { faults } = await engine.runner();
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a')]));
    await started(executor, 'a');
    await engine.cancel(run);
    await waitFor(() => executor.cancels.length > 0);
    expect(executor.cancels.some(({ force }) => force)).toBe(false);
    faults.aheadMs = 61_000;
    await engine.cancel(run);
    await waitFor(() => executor.cancels.some(({ force }) => force));
  });

  it('writes down a long run, and goes on from there after a takeover', async () => {
    const { kill } = await engine.runner();
    const executor = await engine.executor('e1', 500);
    executor.succeeds = true;
    const items = Array.from({ length: 1_050 }, (_, index) => index);
    await engine.start(
      run,
      await engine.define([work('each', { for_each: { in: items } }), work('last', { after: ['each'] })]),
    );
    const snapshots = { name: '', text: `SELECT FROM snapshots WHERE stream_id LIKE '%${run}'` };
    await waitFor(async () => (await engine.eventLog.database.query(snapshots)).length > 0);
    await kill();
    await engine.runner();
    await ended();
  });
});
