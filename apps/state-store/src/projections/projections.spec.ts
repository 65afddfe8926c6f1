import { EVENT_SCHEMA, streamId, type RunEvent } from '@ryax/contracts';
import { type NewEvent } from '@ryax/event-log';
import fc from 'fast-check';
import { collectionOpened, ReadModels } from '../testing/read-models';
import {
  cancelRequested,
  failed,
  runFailed,
  runStarted,
  runSucceeded,
  scheduled,
  succeeded,
} from '../testing/written-streams';
import { Projections } from './projections';

describe(Projections.name, () => {
  let models: ReadModels;

  beforeEach(async () => {
    models = await ReadModels.create();
  });
  afterEach(() => models.world.end());

  it('folds a page and its checkpoint in one transaction: what failed half-way has changed nothing', async () => {
    await models.writeSomething('a');
    const { tail, readers, database } = models.world.eventLog;
    const late = new Projections(tail, readers, database);
    await late.resume();
    await models.catchUp(models.projections());
    const before = await models.contents();

    // It believes to be at 0, where another has been before.
    await expect(late.step()).rejects.toThrow('Expected reader projections at position 0');

    expect(await models.contents()).toEqual(before);
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
      const reader = models.projections();
      const seen = await models.world.streams.run('r1', runStarted('r1'));
      await models.catchUp(reader);
      const before = await models.contents();
      await models.world.streams.run('r2', runStarted('r2'));
      await appendWritten('r3', newer);

      for (let round = 0; round < 2; round++)
        await expect(reader.step()).rejects.toMatchObject({ code: 'event_unreadable' });

      expect(await models.contents()).toEqual(before);
      expect(await models.world.eventLog.readers.position('projections')).toBe(seen);
    },
  );

  it('gives the same read models however the log is cut into pages', async () => {
    const streams = fc.array(fc.array(anyRunEvent, { maxLength: 6 }), { minLength: 1, maxLength: 6 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(streams, fc.infiniteStream(fc.boolean()), async (runs, cuts) => {
        round++;
        const live = models.projections();
        await live.resume();
        for (const [index, events] of runs.entries()) {
          const id = `${round}-${index}`;
          const all = [runStarted(id, { labels: { round: String(round) } }), ...events];
          for (const event of all) {
            await models.world.streams.run(id, event);
            const cut = cuts.next();
            if (cut.done !== true && cut.value) await models.goOn(live);
          }
        }
        await models.goOn(live);
      }),
      { numRuns: 8 },
    );

    expect(await models.rebuilt()).toEqual(await models.contents());
  });

  it('goes on with rows that another replica has written meanwhile, not with those that it wrote before', async () => {
    const [first, second] = [models.projections(), models.projections()];
    await models.world.streams.run('r', runStarted('r'), scheduled('fit'));
    await models.catchUp(first);
    await models.world.streams.run('r', cancelRequested(), succeeded('fit', { duration_ms: 10 }));
    await models.catchUp(second);

    await models.world.streams.run('r', succeeded('fit', { duration_ms: 30 }));
    await expect(first.step()).rejects.toThrow('found it moved by another replica');
    await models.catchUp(first);

    expect(await models.rebuilt()).toEqual(await models.contents());
  });

  it('does not read again what it wrote in the batch before', async () => {
    const reader = models.projections();
    await reader.resume();
    await models.world.streams.run('r', runStarted('r'), succeeded('fit', { duration_ms: 10 }));
    await models.goOn(reader);
    // Read again, it would not fit its type any more.
    await models.world.database.query(`UPDATE read_models.runs SET labels = 'unreadable'`);
    await models.world.streams.run('r', succeeded('fit', { duration_ms: 30 }), runSucceeded());
    await models.goOn(reader);

    expect((await models.contents())['tallies']).toContain('(run,default,succeeded,1)');
  });

  /** Begins a run by an event as a newer version may write it. */
  async function appendWritten(runId: string, written: Pick<NewEvent, 'type' | 'schema'>): Promise<void> {
    const event = { ...written, data: '{}', metadata: '{}', recordedAt: Date.now() };
    const stream = { streamId: streamId('run', 'default', runId), project: 'default', kind: 'run', partition: 0 };
    const head = { expectedVersion: 0, expectedHash: null, open: true, wakeupAt: null };
    await models.world.eventLog.log.append([{ streams: [{ ...stream, ...head, events: [event] }] }]);
  }
});

const anyRunEvent: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.nat(1000).map((duration_ms) => succeeded('fit', { duration_ms })),
  fc.boolean().map((will_retry) => failed('map.1', { will_retry })),
  fc.nat(9).map((count) => collectionOpened('map', count)),
  fc.constant(cancelRequested()),
  fc.constant(runFailed()),
);
