import type { JsonObject, Start } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { Engine } from './testing/engine';
import type { ExecutorDouble } from './testing/executor-double';
import { ExecutorLink } from './testing/executor-link';
import { useEngine } from './testing/use-engine';

const work = (id: string) => ({ id, container: { image: 'alpine', command: ['true'] } });
const long = 60_000;
const failure = { kind: 'lost', message: 'its executor is gone' };
const failed = { execution: 'a', attempt: 1, failure, will_retry: true, executor: null, duration_ms: null };

describe('Who holds an attempt', () => {
  const opened = useEngine();
  let engine: Engine;
  const run = 'run';

  beforeEach(() => {
    engine = opened();
  });

  const started = (executor: ExecutorDouble, execution: string, attempt = 1) =>
    waitFor(() => executor.startsOf(execution).find((start) => start.attempt === attempt), {
      describe: `attempt ${attempt} of ${execution} to be started`,
    });
  const recorded = (type: string, id = run) => waitFor(async () => (await engine.history(id)).includes(type));
  const holds = (executor: ExecutorDouble, start: Start) =>
    executor.report(start, { report: 'started', started_ms_ago: 100 });

  it('a suspected attempt takes a late success; a lost one is closed for good', async () => {
    await engine.runner({ startValidityMs: long });
    const link = new ExecutorLink();
    const silent = await engine.executor('silent', 4, link);
    const [suspected, lost] = [`${run}-suspected`, `${run}-lost`];
    await engine.start(suspected, await engine.define([work('a')]));
    await engine.start(lost, await engine.define([work('b')]));
    const [a, b] = [await started(silent, 'a'), await started(silent, 'b')];
    await holds(silent, b);
    link.isSilent = true;
    await recorded('ExecutionFailed', lost);

    await silent.end(a);
    await recorded('RunSucceeded', suspected);
    expect(await engine.history(suspected)).not.toContain('ExecutionFailed');

    const other = await engine.executor('other');
    const again = await started(other, 'b', 2);
    const before = await engine.history(lost);
    await silent.end(b);
    await waitFor(() => silent.settled.some(({ run_id, attempt }) => run_id === lost && attempt === 1));
    expect(await engine.history(lost)).toEqual(before);
    await other.end(again);
    await recorded('RunSucceeded', lost);
  });

  it('a new owner counts the validity of a start from its takeover', async () => {
    const startValidityMs = 3_000;
    const link = new ExecutorLink();
    link.holdsStarts = true;
    // It hands out a minute ago: the validity of its start has long passed when another takes over.
    const { kill } = await engine.runner({ startValidityMs: long }, { aheadMs: -60_000 });
    const executor = await engine.executor('e1', 4, link);
    await engine.start(run, await engine.define([work('a')]));
    await recorded('ExecutionScheduled');
    await kill();
    engine.purgeStarts('e1');
    await link.takeStarts();
    let list: () => void = () => undefined;
    const listsAfter = new Promise<void>((resolve) => (list = resolve));
    const { partitions } = await engine.runner({ startValidityMs }, { listsAfter });
    await waitFor(async () => (await partitions()) > 0);

    const takenOverAt = performance.now();
    list();
    await started(executor, 'a');

    expect(performance.now() - takenOverAt).toBeGreaterThanOrEqual(startValidityMs);
    const [start, ...more] = executor.starts;
    expect(more).toEqual([]);
    if (start !== undefined) await executor.end(start);
    await recorded('RunSucceeded');
  });

  it('an executor that holds what the log has closed is told to stop, and nobody else is', async () => {
    await engine.runner({ startValidityMs: long, executorPatienceMs: long });
    const [first, second] = [await engine.executor('first'), await engine.executor('second')];
    await engine.start(run, await engine.define([work('a')]));
    const start = await waitFor(() => [...first.starts, ...second.starts][0]);
    await engine.runs.append(run, await lostAndHandedOutAgain());
    const before = await engine.history(run);

    // Our index does not know the second attempt, which another runner has handed out: the log does.
    await holds(second, { ...start, attempt: 2 });
    await recorded('ExecutionStarted');
    await holds(first, start);
    await waitFor(() => first.cancels.length > 0);
    await holds(second, { ...start, attempt: 2 });
    await second.end({ ...start, attempt: 2 });
    await recorded('RunSucceeded');

    const told = [...first.cancels, ...second.cancels];
    expect(new Set(told.map(({ execution, attempt, force }) => `${execution}/${attempt} ${force}`))).toEqual(
      new Set(['a/1 true']),
    );
    expect((await engine.history(run)).slice(0, before.length)).toEqual(before);
  });

  it('an executor that has started what another runner has ended, unknown to us, is told to stop', async () => {
    await engine.runner({ startValidityMs: long, executorPatienceMs: long });
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a')]));
    const start = await started(executor, 'a');
    await engine.runs.append(run, await lostAndHandedOutAgain());

    await holds(executor, start);

    await waitFor(() => executor.cancels.length > 0, { describe: 'the executor to be told to stop' });
    expect(executor.cancels).toMatchObject([{ execution: 'a', attempt: 1, force: true }]);
  });

  it('an executor that runs on in a run that another runner has ended is told to stop', async () => {
    await engine.runner({ startValidityMs: long, executorPatienceMs: long });
    const executor = await engine.executor();
    await engine.start(run, await engine.define([work('a')]));
    await holds(executor, await started(executor, 'a'));
    await recorded('ExecutionStarted');

    const counts = { succeeded: 0, failed: 1, skipped: 0, cancelled: 0 };
    await engine.runs.append(run, [
      { type: 'ExecutionFailed', data: { ...failed, will_retry: false } },
      { type: 'RunFailed', data: { failure, execution: 'a', counts } },
    ]);

    // Nobody says anything more of it.
    await waitFor(() => executor.cancels.length > 0, { describe: 'the executor to be told to stop' });
    expect(executor.cancels).toMatchObject([{ execution: 'a', attempt: 1, force: true }]);
  });

  /** What another runner may have written of an attempt that was handed out last. */
  async function lostAndHandedOutAgain() {
    const scheduled = JSON.parse((await engine.runs.events(run)).at(-1)?.data ?? '') as JsonObject;
    const retry = { execution: 'a', attempt: 2, delay_ms: 0, due_at_ms: 0, budget: 'infrastructure' };
    return [
      { type: 'ExecutionFailed', data: failed },
      { type: 'ExecutionRetryScheduled', data: retry },
      { type: 'ExecutionScheduled', data: { ...scheduled, attempt: 2 } },
    ];
  }
});
