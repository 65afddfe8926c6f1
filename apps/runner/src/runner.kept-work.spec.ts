import type { Start } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { Engine } from './testing/engine';
import type { ExecutorDouble } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const work = (id: string) => ({ id, container: { image: 'alpine', command: ['true'] } });

/** Executors that run pods: these go on when their executor dies, and a successor answers for them. */
describe('Work that outlives its executor', () => {
  const opened = useEngine();
  let engine: Engine;
  let first: ExecutorDouble;
  const run = 'run';

  beforeEach(() => {
    engine = opened();
  });

  const started = (executor: ExecutorDouble, execution: string, attempt = 1) =>
    waitFor(() => executor.startsOf(execution).find((start) => start.attempt === attempt), {
      describe: `attempt ${attempt} of ${execution} to be started`,
    });
  const thatKeepsWork = (incarnation: string) => engine.executor(incarnation, 4, undefined, { keepsWork: true });
  const ended = () =>
    waitFor(async () => (await engine.history(run)).includes('RunSucceeded'), { describe: 'the run to succeed' });
  const timesAsked = (executor: ExecutorDouble, execution: string) =>
    executor.queried.filter((asked) => asked === execution).length;

  /** What was handed out of an execution, and what became of it: `Scheduled 1`, `Succeeded 1`, … */
  async function courseOf(execution: string): Promise<string[]> {
    const events = await engine.runs.events(run);
    const parsed = events.map(({ type, data }) => ({
      type,
      ...(JSON.parse(data) as { execution?: string; attempt?: number }),
    }));
    return parsed
      .filter((event) => event.execution === execution && /Scheduled|Failed|Succeeded/.test(event.type))
      .map(({ type, attempt }) => `${type.replace('Execution', '')} ${attempt}`);
  }

  /** The first executor runs these. */
  async function running(...executions: readonly string[]): Promise<readonly Start[]> {
    first = await thatKeepsWork('first');
    await engine.start(run, await engine.define(executions.map(work)));
    const starts = await Promise.all(executions.map((execution) => started(first, execution)));
    for (const start of starts) await first.report(start, { report: 'started', started_ms_ago: 100 });
    await waitFor(async () => {
      const types = await engine.history(run);
      return types.filter((type) => type === 'ExecutionStarted').length === executions.length;
    });
    return starts;
  }

  it('goes on with a successor as the same attempt, and is tried again when none knows it', async () => {
    await engine.runner();
    const [a] = await running('a', 'b');
    if (a === undefined) throw new Error('Expected a start of a');
    await first.close();

    const successor = await thatKeepsWork('successor');
    await successor.adopts(a, first);
    // Nobody knows the other one: that shows that the death was noticed.
    const again = await started(successor, 'b', 2);
    await successor.end(again);
    await successor.end(a);
    await ended();

    expect(await courseOf('a')).toEqual(['Scheduled 1', 'Succeeded 1']);
    expect(await courseOf('b')).toEqual(['Scheduled 1', 'Failed 1', 'RetryScheduled 2', 'Scheduled 2', 'Succeeded 2']);
    expect(successor.startsOf('a')).toEqual([]);
  });

  it('is asked about until its successor has taken it over', async () => {
    await engine.runner();
    const [a] = await running('a');
    if (a === undefined) throw new Error('Expected a start of a');
    await first.close();

    const successor = await thatKeepsWork('successor');
    successor.answersQueries = false;
    await waitFor(() => timesAsked(successor, 'a') >= 2, { describe: 'the successor to be asked again' });
    successor.answersQueries = true;
    await successor.adopts(a, first);
    await successor.end(a);
    await ended();

    expect(await courseOf('a')).toEqual(['Scheduled 1', 'Succeeded 1']);
  });

  it('waits for a successor, also with a runner that has never heard the dead one', async () => {
    const { kill } = await engine.runner();
    const [a] = await running('a');
    if (a === undefined) throw new Error('Expected a start of a');
    const usual = await engine.executor('usual', 8, undefined, { site: 'far' });
    const other = `${run}-far`;
    await engine.start(other, await engine.define([work('c')]));
    await started(usual, 'c');
    await first.close();
    await usual.close();
    await kill();

    await engine.runner();
    // Where work ends with its executor, the new runner calls it lost as soon as it takes both for dead.
    await waitFor(async () => (await engine.history(other)).includes('ExecutionFailed'));
    const successor = await thatKeepsWork('successor');
    await waitFor(() => timesAsked(successor, 'a') > 0, { describe: 'the successor to be asked' });
    await successor.adopts(a, first);
    await successor.end(a);
    await ended();

    expect(await courseOf('a')).toEqual(['Scheduled 1', 'Succeeded 1']);
  });
});
