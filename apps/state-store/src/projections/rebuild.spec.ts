import { advanceReader, type Tail } from '@ryax/event-log';
import { waitFor } from '@ryax/testing';
import { decodeEvent } from '../tail/decoded-event';
import { ReaderMovedError } from '../tail/log-reader';
import { readModelTables, ReadModels } from '../testing/read-models';
import { silentLog } from '../testing/stores';
import { runStarted } from '../testing/written-streams';
import { Projector } from './projector';
import { Rebuild } from './rebuild';
import { shadowSchema } from './schema';

describe('The read models', () => {
  let models: ReadModels;

  beforeEach(async () => {
    models = await ReadModels.create();
  });
  afterEach(() => models.world.end());

  it('equal a rebuild from position 0', async () => {
    for (const prefix of ['a', 'b', 'c']) {
      await models.writeSomething(prefix);
      await models.catchUp(models.projections());
    }
    expect(await models.rebuilt()).toEqual(await models.contents());
  });

  it('are rebuilt while they serve, and swapped when the new ones have caught up', async () => {
    await models.writeSomething('a');
    await models.catchUp(models.projections());
    const before = await models.contents();
    const indexesBefore = await indexes();
    await models.world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    await models.world.database.query(`DELETE FROM read_models.runs`);
    await models.writeSomething('b');

    await models.world.startReplica();
    const { items } = await waitFor(async () => {
      const answer = await models.world.ask('run.list', { project: 'default' });
      return answer.items.length === 4 && answer;
    });

    expect(items.map(({ run_id }) => run_id)).toEqual(['b2', 'b1', 'a2', 'a1']);
    const after = await models.contents();
    for (const table of readModelTables)
      expect(after[table]).toEqual(expect.arrayContaining([...(before[table] ?? [])].filter(isRun(table))));
    expect(await models.world.database.query(`SELECT FROM pg_namespace WHERE nspname = '${shadowSchema}'`)).toEqual([]);

    expect(await indexes()).toEqual(indexesBefore);

    const position = await models.world.streams.run('c1', runStarted('c1'));
    expect(await models.world.askFresh('run.list', { project: 'default', limit: 1 })).toMatchObject({
      items: [{ run_id: 'c1' }],
      as_of: position,
      stale: false,
    });
  });

  it('are rebuilt as often as asked while runs begin and end, and readers notice nothing', async () => {
    const project = 'default';
    for (const prefix of ['a', 'b', 'c']) await models.writeSomething(prefix);
    await models.world.startReplica();
    await models.world.startReplica();
    await models.world.askFresh('run.list', { project });
    const asking = { isOver: false, answers: 0 };
    const counts: number[] = [];
    const read = async () => {
      for (let least = 6; !asking.isOver; asking.answers++) {
        const [runs] = await Promise.all([
          models.world.ask('run.list', { project, labels: { team: 'a' }, limit: 1000 }),
          models.world.ask('run.list', { project, state: 'succeeded' }),
          models.world.ask('execution.list', { project, state: 'succeeded' }),
          models.world.ask('workflow.list', { project }),
        ]);
        const { items } = await models.world.ask('run.list', { project, limit: 1000 });
        expect(items.length).toBeGreaterThanOrEqual(least);
        expect(runs.items.length).toBeGreaterThanOrEqual(3);
        least = items.length;
        counts.push(least);
      }
    };
    const readers = Promise.all([read(), read(), read()]);

    for (let rebuild = 0; rebuild < 5; rebuild++) {
      await models.world.ask('read-models.rebuild', { project });
      await models.writeSomething(`d${rebuild}`);
      await waitFor(async () => !(await models.world.ask('read-models.status', { project })).rebuilding);
    }
    await models.world.askFresh('run.list', { project });
    const seen = asking.answers;
    await waitFor(() => asking.answers > seen + 3);
    asking.isOver = true;
    await readers;

    expect(counts.at(-1)).toBe(16);
    expect(await models.rebuilt()).toEqual(await models.contents());
  }, 60_000);

  it('are not swapped before a page that another replica commits into the new ones', async () => {
    await models.writeSomething('a');
    await models.catchUp(models.projections());
    await models.world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    const { tail, readers, database } = models.world.eventLog;
    const meanwhile = { begin: () => Promise.resolve() };
    const read: Tail['read'] = async (position, limit) => {
      const page = await tail.read(position, limit);
      if (page.events.length === 0) await meanwhile.begin();
      return page;
    };
    const rebuild = new Rebuild({ read, stalled: () => tail.stalled() }, readers, database, silentLog);
    await rebuild.resume();
    await rebuild.step();

    // Once we have seen all there is, another who believes to be the active one folds what came since, and does not commit yet.
    const commit = promiseOf();
    let other: Promise<void> = Promise.resolve();
    meanwhile.begin = async () => {
      await models.writeSomething('b');
      const folded = promiseOf();
      other = database.transaction(async (connection) => {
        const from = await readers.position(rebuild.name);
        const { events, position } = await tail.read(from, 1_000);
        await advanceReader(connection, rebuild.name, from, position);
        await new Projector(shadowSchema).project(connection, events.map(decodeEvent));
        folded.resolve();
        await commit.promise;
      });
      await folded.promise;
    };
    const swapping = rebuild.step();
    await waitFor(async () => (await waitingForLocks()).length === 1);
    commit.resolve();
    await Promise.all([swapping, other]);

    expect(await readers.position('projections')).toBe(await models.world.eventLog.log.lastPosition());
    await models.catchUp(models.projections());
    expect(await models.rebuilt()).toEqual(await models.contents());
  });

  it('are begun anew by who has not heard of a swap, with nothing that it remembers of the rows before', async () => {
    const reader = models.projections();
    await models.writeSomething('a');
    await models.catchUp(reader);
    await models.world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    const { tail, readers, database } = models.world.eventLog;
    const rebuild = new Rebuild(tail, readers, database, silentLog);
    await rebuild.resume();
    while ((await rebuild.step()) === 'moved');
    expect(await models.world.database.query(`SELECT FROM pg_namespace WHERE nspname = '${shadowSchema}'`)).toEqual([]);

    await models.writeSomething('b');
    await expect(models.goOn(reader)).rejects.toThrow(ReaderMovedError);
    await models.catchUp(reader);
    expect(await models.rebuilt()).toEqual(await models.contents());
  });

  const waitingForLocks = () =>
    models.world.database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );

  const indexes = () =>
    models.world.database.query(
      `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'read_models' ORDER BY indexname`,
    );
});

function promiseOf(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Rows that only grow; counts change with what came later. */
function isRun(table: string): () => boolean {
  return () => table === 'runs' || table === 'run_labels' || table === 'executions';
}
