import { partitionOf, streamId } from '@ryax/contracts';
import { Database } from '@ryax/event-log';
import { waitFor } from '@ryax/testing';
import { ownedPartitions } from './partitions';
import type { Engine, RunnerUnderTest } from './testing/engine';
import type { ExecutorDouble } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const work = (id: string, more = {}) => ({ id, container: { image: 'alpine', command: ['true'] }, ...more });
const chain = [work('a'), work('b', { after: ['a'] })];
const partitions = 4;
/** Nothing that a spec waits for may come of it. */
const endlessPatience = { runnerPatienceMs: 600_000 };

type Named = { readonly runner: Pick<RunnerUnderTest['runner'], 'incarnation'> };

describe('Runners whose locks end', () => {
  const opened = useEngine();
  let engine: Engine;
  let executor: ExecutorDouble;
  let names = 0;

  beforeEach(() => {
    engine = opened();
  });

  async function shared(runners: readonly RunnerUnderTest[]) {
    let owned: readonly number[] = [];
    await waitFor(
      async () => {
        owned = await Promise.all(runners.map((each) => each.partitions()));
        return owned.every((count) => count > 0) && owned.reduce((sum, count) => sum + count, 0) === partitions;
      },
      { describe: () => `each runner to own some of the ${partitions} partitions, found ${owned.join(' and ')}` },
    );
  }
  const query = <Row extends object>(text: string, values: readonly unknown[] = []) =>
    engine.eventLog.database.query<Row>({ name: '', text }, values);

  /** A run in a partition of this runner, as long as both live. */
  function runOf(owner: Named, runners: readonly Named[]): string {
    const owned = ownedPartitions(
      owner.runner.incarnation,
      runners.map(({ runner }) => runner.incarnation),
      partitions,
    );
    const candidates = Array.from({ length: 100 }, () => `run-${names++}`);
    const found = candidates.find((name) => owned.includes(partitionOf(streamId('run', 'default', name), partitions)));
    if (found === undefined) throw new Error('Expected a name that falls into a partition of the runner');
    return found;
  }

  const started = (execution: string) =>
    waitFor(() => executor.startsOf(execution)[0], { describe: `${execution} to be started` });
  const inHistory = (run: string, type: string) =>
    waitFor(async () => (await engine.history(run)).includes(type), { describe: `${type} in ${run}` });
  const live = async () =>
    (await engine.eventLog.members.live(endlessPatience.runnerPatienceMs))
      .filter(({ kind }) => kind === 'runner')
      .map(({ incarnation }) => incarnation);

  /** The connections over which a runner holds its lock. */
  const holdersOf = ({ runner }: Named) =>
    query<{ pid: number }>(
      `SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND datname = current_database() AND application_name = $1`,
      [runner.incarnation],
    );

  async function twoRunners(options: typeof endlessPatience) {
    const survivor = await engine.runner(options);
    const victim = await engine.runner(options);
    await shared([survivor, victim]);
    executor = await engine.executor();
    const run = runOf(victim, [survivor, victim]);
    await engine.start(run, await engine.define(chain));
    return { survivor, victim, run, start: await started('a') };
  }

  it('take over within two beats what a killed one held', async () => {
    const { survivor, victim, run, start } = await twoRunners(endlessPatience);
    const { listedAtBeat } = survivor.faults;
    listedAtBeat.clear();
    await victim.kill();
    const before = survivor.beats();
    await executor.end(start);
    await inHistory(run, 'ExecutionSucceeded');
    expect((listedAtBeat.get(engine.partitionOf(run)) ?? Infinity) - before).toBeLessThanOrEqual(2);
    await executor.end(await started('b'));
    await inHistory(run, 'RunSucceeded');
  });

  it('leave to one that is only stopped what it holds, until its last beat is old', async () => {
    const patienceMs = 2_500;
    const { victim, run, start } = await twoRunners({ runnerPatienceMs: patienceMs });
    victim.isolate();
    await executor.end(start);
    await inHistory(run, 'ExecutionSucceeded');
    const [row] = await query<{ age: number }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000 - beat_at)::float AS age FROM members WHERE incarnation = $1`,
      [victim.runner.incarnation],
    );
    expect(row?.age).toBeGreaterThan(patienceMs);
  });

  it('take their lock again when its connection was lost, and with it their partitions', async () => {
    const { survivor, victim, run, start } = await twoRunners(endlessPatience);
    const both = [survivor, victim].map(({ runner }) => runner.incarnation);
    const [held] = await holdersOf(victim);
    await victim.loseLock();
    await waitFor(
      async () => {
        const [again] = await holdersOf(victim);
        return again !== undefined && again.pid !== held?.pid;
      },
      { describe: 'the victim to hold its lock over another connection' },
    );
    await waitFor(async () => (await live()).length === both.length);
    await shared([survivor, victim]);
    await executor.end(start);
    await executor.end(await started('b'));
    await inHistory(run, 'RunSucceeded');
    expect(executor.startsOf('a')).toHaveLength(1);
  });

  it('a runner drops its caches and gives up its partitions when the database turns out to be another one', async () => {
    const { victim, run, start } = await twoRunners(endlessPatience);
    await engine.runs.rewind(run, 1);
    await victim.findOtherDatabase();
    await waitFor(() => executor.startsOf('a').length === 2, { describe: 'the lost commit to be made again' });
    expect(await engine.history(run)).toEqual(['RunStarted', 'ExecutionScheduled']);
    await executor.end(start);
    await executor.end(await started('b'));
    await inHistory(run, 'RunSucceeded');
  });

  it('a runner that cannot consume does not beat as an owner, and is taken over', async () => {
    const survivor = await engine.runner();
    const hash = await engine.define([work('a')]);
    await shared([survivor]);
    const deaf = await engine.runner({}, { isDeaf: true });
    await waitFor(async () => (await survivor.partitions()) < partitions, {
      describe: 'the deaf one to claim its share',
    });
    await waitFor(async () => (await survivor.partitions()) === partitions, {
      describe: 'the deaf one to be taken over',
    });
    await expect(engine.start(runOf(deaf, [survivor, deaf]), hash)).resolves.toMatchObject({ status: 'accepted' });
    deaf.faults.isDeaf = false;
    await shared([survivor, deaf]);
    await expect(engine.start(runOf(deaf, [survivor, deaf]), hash)).resolves.toMatchObject({ status: 'accepted' });
  }, 60_000);

  it('a runner that dies during the long takeover of another is taken over at once: subscribe, then fold', async () => {
    const victim = await engine.runner(endlessPatience);
    executor = await engine.executor();
    const run = runOf(victim, [victim, { runner: { incarnation: 'member-1' } }]);
    await engine.start(run, await engine.define([work('a')]));
    const start = await started('a');
    const never = new Promise<void>(() => undefined);
    const survivor = await engine.runner(endlessPatience, { listsAfter: never });
    await shared([survivor, victim]);
    await victim.kill();
    await executor.end(start);
    await inHistory(run, 'RunSucceeded');
    expect(await survivor.partitions()).toBeGreaterThan(0);
  });

  it('give their lock back when they leave', async () => {
    const { survivor, victim } = await twoRunners(endlessPatience);
    await victim.runner.stopTaking();
    await victim.runner.close();
    expect(await live()).toEqual([survivor.runner.incarnation]);
    const locks = await query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(locks).toHaveLength(1);
  });
});

describe('A takeover', () => {
  const opened = useEngine();

  it('of thousands of open runs takes a few statements for each thousand', async () => {
    const engine = opened();
    const runs = 2_000;
    /** Each second, whatever there is. */
    const repeated = new Set(['upsert-member', 'select-live-members', 'select-due-heads', 'select-next-wakeup']);
    const first = await engine.runner();
    await engine.start('run-0', await engine.define([work('a')]));
    await engine.runs.copy(
      'run-0',
      Array.from({ length: runs - 1 }, (_, index) => `run-${index + 1}`),
    );
    await first.kill();

    const query = jest.spyOn(Database.prototype, 'query');
    const second = await engine.runner();
    // Work is wanted of pools that are known; this one has no slot.
    await engine.executor('full', 0);
    await waitFor(
      async () => {
        const members = await engine.eventLog.members.live(2_500);
        const found = members.find(({ incarnation }) => incarnation === second.runner.incarnation);
        return found?.wanted === JSON.stringify({ 'local/default': runs });
      },
      { timeoutMs: 60_000, describe: 'all open runs to be known' },
    );

    const names = query.mock.calls.map(([{ name }]) => name);
    query.mockRestore();
    // What comes later is none of the takeover's, such as the audit's.
    const last = names.lastIndexOf('select-whole-streams');
    expect(last).toBeGreaterThanOrEqual(0);
    const statements = names.slice(0, last + 1).filter((name) => !repeated.has(name));
    expect(statements.length).toBeLessThanOrEqual(20);
  }, 120_000);
});
