import { waitFor } from '@ryax/testing';
import { ownedPartitions } from './partitions';
import type { Engine } from './testing/engine';
import type { ExecutorDouble } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const work = (id: string, more = {}) => ({ id, container: { image: 'alpine', command: ['true'] }, ...more });
const chain = [work('a'), work('b', { after: ['a'] })];
const occurrences = (types: readonly string[], type: string) => types.filter((each) => each === type).length;

describe('Runners', () => {
  const opened = useEngine();
  let engine: Engine;
  let executor: ExecutorDouble;
  const run = 'run';

  beforeEach(async () => {
    engine = opened();
    const runners = [await engine.runner(), await engine.runner()];
    await waitFor(async () => {
      const owned = await Promise.all(runners.map(({ partitions }) => partitions()));
      return owned.every((count) => count > 0) && owned.reduce((sum, count) => sum + count, 0) === 4;
    });
    executor = await engine.executor();
  });

  /** Partitions whose single active consumer is another runner than that of the run's own. */
  const partitionsOfOthers = async () => {
    const members = await engine.eventLog.members.live(2_500);
    const runners = members.filter(({ kind }) => kind === 'runner').map(({ incarnation }) => incarnation);
    if (runners.length < 2) return [];
    const own = engine.partitionOf(run);
    return runners
      .map((runner) => ownedPartitions(runner, runners, 4))
      .filter((owned) => !owned.includes(own))
      .flat();
  };
  const started = (execution: string) =>
    waitFor(() => executor.startsOf(execution)[0], { describe: `${execution} to be started` });
  const succeeded = () => waitFor(async () => (await engine.history(run)).includes('RunSucceeded'));

  it('hand out what became ready by a decision of a runner that is not the owner', async () => {
    await engine.start(run, await engine.define(chain));
    const [elsewhere = 0] = await partitionsOfOthers();
    await executor.end(await started('a'), undefined, elsewhere);
    await executor.end(await started('b'));
    await succeeded();
    expect(executor.startsOf('a')).toHaveLength(1);
  });

  it('emit a start again only at the head: not what has ended by the decision of another', async () => {
    await engine.start(run, await engine.define(chain));
    const [elsewhere = 0] = await partitionsOfOthers();
    const start = await started('a');
    await executor.end(start, undefined, elsewhere);
    await started('b');
    await waitFor(() => executor.settled.length === 1);
    expect(executor.startsOf('a')).toHaveLength(1);
  });

  it('two runners that decide for one run do not splice their histories', async () => {
    await engine.start(run, await engine.define(chain));
    const [elsewhere = 0] = await partitionsOfOthers();
    for (const execution of ['a', 'b']) {
      const start = await started(execution);
      await Promise.all([executor.end(start), executor.end(start, undefined, elsewhere)]);
    }
    await succeeded();
    await waitFor(() => executor.settled.length === 4);
    const types = await engine.history(run);
    expect([occurrences(types, 'ExecutionSucceeded'), occurrences(types, 'ExecutionScheduled')]).toEqual([2, 2]);
  });

  it('start a run whose first message was decided by a runner that is not the owner', async () => {
    const hash = await engine.define([work('a')]);
    const [elsewhere = 0] = await partitionsOfOthers();
    const own = jest.spyOn(engine, 'partitionOf').mockReturnValue(elsewhere);
    await expect(engine.start(run, hash)).resolves.toMatchObject({ status: 'accepted' });
    own.mockRestore();
    await executor.end(await started('a'));
    await succeeded();
  });
});
