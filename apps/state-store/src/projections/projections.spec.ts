import { EVENT_SCHEMA, streamId, type RunEvent } from '@ryax/contracts';
import { advanceReader, type NewEvent, type Tail } from '@ryax/event-log';
import { createTestDatabase, waitFor } from '@ryax/testing';
import fc from 'fast-check';
import { decodeEvent } from '../tail/decoded-event';
import { ReaderMovedError } from '../tail/log-reader';
import { createWorld, silentLog, type World } from '../testing/stores';
import {
  cancelRequested,
  failed,
  runFailed,
  runStarted,
  runSucceeded,
  scheduled,
  succeeded,
  workflowDeployed,
} from '../testing/written-streams';
import { Projections } from './projections';
import { Projector } from './projector';
import { Rebuild } from './rebuild';
import { liveSchema, shadowSchema, type ReadModelSchema } from './schema';

const tables = ['runs', 'run_labels', 'executions', 'observations', 'workflows', 'actions', 'tallies'];

describe(Projections.name, () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
  });
  afterEach(() => world.end());

  function projections(): Projections {
    const { tail, readers, database } = world.eventLog;
    return new Projections(tail, readers, database);
  }

  async function catchUp(reader: Projections): Promise<void> {
    await reader.resume();
    await goOn(reader);
  }

  /** As {@link catchUp}, with what it knows of the batches before. */
  async function goOn(reader: Projections): Promise<void> {
    while ((await reader.step()) === 'moved');
  }

  /** Every row of every read model, in an order of its own. */
  async function contents(schema: ReadModelSchema = liveSchema): Promise<Record<string, readonly string[]>> {
    const read = async (table: string) => {
      const rows = await world.database.query<{ row: string }>(
        `SELECT t::text AS row FROM ${schema}.${table} t ORDER BY 1`,
      );
      return [table, rows.map(({ row }) => row)] as const;
    };
    return Object.fromEntries(await Promise.all(tables.map(read)));
  }

  /** Some of everything, in several transactions. */
  async function writeSomething(prefix: string): Promise<void> {
    const { streams } = world;
    await streams.append(streamId('workflow', 'default', `${prefix}w`), workflowDeployed(`${prefix}w`, 1));
    await streams.run(`${prefix}1`, runStarted(`${prefix}1`, { labels: { team: 'a', odd: '\0' } }), scheduled('fit.0'));
    await streams.run(`${prefix}2`, runStarted(`${prefix}2`), collectionOpened('fit', 3));
    await streams.run(
      `${prefix}1`,
      succeeded('fit.0', { duration_ms: 10 }),
      succeeded('fit.1', { duration_ms: 30 }),
      runSucceeded(),
    );
    await streams.run(`${prefix}2`, failed('fit.0'), cancelRequested(), runFailed());
    await streams.append(streamId('workflow', 'default', `${prefix}w`), workflowDeployed(`${prefix}w`, 2));
  }

  it('folds a page and its checkpoint in one transaction: what failed half-way has changed nothing', async () => {
    await writeSomething('a');
    const { tail, readers, database } = world.eventLog;
    const late = new Projections(tail, readers, database);
    await late.resume();
    await catchUp(projections());
    const before = await contents();

    // It believes to be at 0, where another has been before.
    await expect(late.step()).rejects.toThrow('Expected reader projections at position 0');

    expect(await contents()).toEqual(before);
    expect(before['runs']).toHaveLength(2);
    expect(before['tallies']).toEqual(
      expect.arrayContaining([
        '(run,default,succeeded,1)',
        '(run,default,failed,1)',
        '(execution,default,succeeded,2)',
      ]),
    );
  });

  it.each([
    ['schema', { type: 'RunSucceeded', schema: EVENT_SCHEMA + 1 }],
    ['type', { type: 'RunForetold', schema: EVENT_SCHEMA }],
  ])(
    'does not pass by an event of a newer %s: nothing of its page is shown, and the checkpoint stays',
    async (_, newer) => {
      const reader = projections();
      const seen = await world.streams.run('r1', runStarted('r1'));
      await catchUp(reader);
      const before = await contents();
      await world.streams.run('r2', runStarted('r2'));
      await appendWritten('r3', newer);

      for (let round = 0; round < 2; round++)
        await expect(reader.step()).rejects.toMatchObject({ code: 'event_unreadable' });

      expect(await contents()).toEqual(before);
      expect(await world.eventLog.readers.position('projections')).toBe(seen);
    },
  );

  it('gives the same read models however the log is cut into pages', async () => {
    const streams = fc.array(fc.array(anyRunEvent, { maxLength: 6 }), { minLength: 1, maxLength: 6 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(streams, fc.infiniteStream(fc.boolean()), async (runs, cuts) => {
        round++;
        const live = projections();
        await live.resume();
        for (const [index, events] of runs.entries()) {
          const id = `${round}-${index}`;
          const all = [runStarted(id, { labels: { round: String(round) } }), ...events];
          for (const event of all) {
            await world.streams.run(id, event);
            const cut = cuts.next();
            if (cut.done !== true && cut.value) await goOn(live);
          }
        }
        await goOn(live);
      }),
      { numRuns: 8 },
    );

    expect(await rebuilt()).toEqual(await contents());
  });

  it('goes on with rows that another replica has written meanwhile, not with those that it wrote before', async () => {
    const [first, second] = [projections(), projections()];
    await world.streams.run('r', runStarted('r'), scheduled('fit'));
    await catchUp(first);
    await world.streams.run('r', cancelRequested(), succeeded('fit', { duration_ms: 10 }));
    await catchUp(second);

    await world.streams.run('r', succeeded('fit', { duration_ms: 30 }));
    await expect(first.step()).rejects.toThrow('found it moved by another replica');
    await catchUp(first);

    expect(await rebuilt()).toEqual(await contents());
  });

  it('does not read again what it wrote in the batch before', async () => {
    const reader = projections();
    await reader.resume();
    await world.streams.run('r', runStarted('r'), succeeded('fit', { duration_ms: 10 }));
    await goOn(reader);
    // Read again, it would not fit its type any more.
    await world.database.query(`UPDATE read_models.runs SET labels = 'unreadable'`);
    await world.streams.run('r', succeeded('fit', { duration_ms: 30 }), runSucceeded());
    await goOn(reader);

    expect((await contents())['tallies']).toContain('(run,default,succeeded,1)');
  });

  it('the read models equal a rebuild from position 0', async () => {
    for (const prefix of ['a', 'b', 'c']) {
      await writeSomething(prefix);
      await catchUp(projections());
    }
    expect(await rebuilt()).toEqual(await contents());
  });

  it('are rebuilt while they serve, and swapped when the new ones have caught up', async () => {
    await writeSomething('a');
    await catchUp(projections());
    const before = await contents();
    const indexesBefore = await indexes();
    await world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    await world.database.query(`DELETE FROM read_models.runs`);
    await writeSomething('b');

    await world.startReplica();
    const { items } = await waitFor(async () => {
      const answer = await world.ask('run.list', { project: 'default' });
      return answer.items.length === 4 && answer;
    });

    expect(items.map(({ run_id }) => run_id)).toEqual(['b2', 'b1', 'a2', 'a1']);
    const after = await contents();
    for (const table of tables)
      expect(after[table]).toEqual(expect.arrayContaining([...(before[table] ?? [])].filter(isRun(table))));
    expect(await world.database.query(`SELECT FROM pg_namespace WHERE nspname = '${shadowSchema}'`)).toEqual([]);

    expect(await indexes()).toEqual(indexesBefore);

    const position = await world.streams.run('c1', runStarted('c1'));
    expect(await world.ask('run.list', { project: 'default', limit: 1 })).toMatchObject({
      items: [{ run_id: 'c1' }],
      as_of: position,
      stale: false,
    });
  });

  it('are rebuilt as often as asked while runs begin and end, and readers notice nothing', async () => {
    const project = 'default';
    for (const prefix of ['a', 'b', 'c']) await writeSomething(prefix);
    await world.startReplica();
    await world.startReplica();
    const asking = { isOver: false, answers: 0 };
    const counts: number[] = [];
    const read = async () => {
      for (let least = 6; !asking.isOver; asking.answers++) {
        const [runs] = await Promise.all([
          world.ask('run.list', { project, labels: { team: 'a' }, limit: 1000 }),
          world.ask('run.list', { project, state: 'succeeded' }),
          world.ask('execution.list', { project, state: 'succeeded' }),
          world.ask('workflow.list', { project }),
        ]);
        const { items } = await world.ask('run.list', { project, limit: 1000 });
        expect(items.length).toBeGreaterThanOrEqual(least);
        expect(runs.items.length).toBeGreaterThanOrEqual(3);
        least = items.length;
        counts.push(least);
      }
    };
    const readers = Promise.all([read(), read(), read()]);

    for (let rebuild = 0; rebuild < 5; rebuild++) {
      await world.ask('read-models.rebuild', { project });
      await writeSomething(`d${rebuild}`);
      await waitFor(async () => !(await world.ask('read-models.status', { project })).rebuilding);
    }
    const seen = asking.answers;
    await waitFor(() => asking.answers > seen + 3);
    asking.isOver = true;
    await readers;

    expect(counts.at(-1)).toBe(16);
    expect(await rebuilt()).toEqual(await contents());
  }, 60_000);

  it('a page that another replica commits into the new ones is waited for by their swap', async () => {
    await writeSomething('a');
    await catchUp(projections());
    await world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    const { tail, readers, database } = world.eventLog;
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
      await writeSomething('b');
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

    expect(await readers.position('projections')).toBe(await world.eventLog.log.lastPosition());
    await catchUp(projections());
    expect(await rebuilt()).toEqual(await contents());
  });

  it('one that has not heard of a swap begins anew, with nothing that it remembers of the rows before', async () => {
    const reader = projections();
    await writeSomething('a');
    await catchUp(reader);
    await world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    const { tail, readers, database } = world.eventLog;
    const rebuild = new Rebuild(tail, readers, database, silentLog);
    await rebuild.resume();
    while ((await rebuild.step()) === 'moved');
    expect(await world.database.query(`SELECT FROM pg_namespace WHERE nspname = '${shadowSchema}'`)).toEqual([]);

    await writeSomething('b');
    await expect(goOn(reader)).rejects.toThrow(ReaderMovedError);
    await catchUp(reader);
    expect(await rebuilt()).toEqual(await contents());
  });

  const waitingForLocks = () =>
    world.database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );

  /** Begins a run by an event as a newer version may write it. */
  async function appendWritten(runId: string, written: Pick<NewEvent, 'type' | 'schema'>): Promise<void> {
    const event = { ...written, data: '{}', metadata: '{}', recordedAt: Date.now() };
    const stream = { streamId: streamId('run', 'default', runId), project: 'default', kind: 'run', partition: 0 };
    const head = { expectedVersion: 0, expectedHash: null, open: true, wakeupAt: null };
    await world.eventLog.log.append([{ streams: [{ ...stream, ...head, events: [event] }] }]);
  }

  const indexes = () =>
    world.database.query(
      `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'read_models' ORDER BY indexname`,
    );

  /** What a rebuild makes of the whole log; it takes the place of the live ones. */
  async function rebuilt(): Promise<Record<string, readonly string[]>> {
    await world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    const { tail, readers, database } = world.eventLog;
    const rebuild = new Rebuild(tail, readers, database, silentLog);
    await rebuild.resume();
    while ((await rebuild.step()) === 'moved');
    return contents();
  }
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

function collectionOpened(execution: string, count: number): RunEvent {
  return { type: 'CollectionOpened', data: { execution, count } };
}

const anyRunEvent: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.nat(1000).map((duration_ms) => succeeded('fit', { duration_ms })),
  fc.boolean().map((will_retry) => failed('map.1', { will_retry })),
  fc.nat(9).map((count) => collectionOpened('map', count)),
  fc.constant(cancelRequested()),
  fc.constant(runFailed()),
);
