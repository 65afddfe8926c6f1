import { useTestDatabase } from '@ryax/testing';
import { appended, appendTo, decision, events, freshName } from '../contract/subject';
import { verifyStream } from '../verify-stream';
import { useEventLog } from './fixture';
import { ensurePartitions } from './partitions';

describe('partitions of events', () => {
  const database = useTestDatabase();
  const partitions = { eventsPerPartition: 10, ahead: 2 };
  const opened = useEventLog(() => ({ url: database.url, partitions }));

  const bounds = async () => {
    const rows = await database.query<{ name: string; bounds: string }>(
      `SELECT relname AS name, pg_get_expr(relpartbound, oid) AS bounds
         FROM pg_class JOIN pg_inherits ON inhrelid = oid
        WHERE inhparent = 'events'::regclass
        ORDER BY length(relname), relname`,
    );
    return rows.map((row) => `${row.name} ${row.bounds.replace('FOR VALUES ', '')}`);
  };
  const countIn = async (table: string) =>
    Number((await database.query<{ count: string }>(`SELECT count(*) FROM ${table}`))[0]?.count);

  it('are made ahead of the writers, without a gap between them', async () => {
    expect(await bounds()).toEqual([
      `events_1 FROM ('1') TO ('11')`,
      `events_11 FROM ('11') TO ('21')`,
      `events_21 FROM ('21') TO ('31')`,
      'events_default DEFAULT',
    ]);
  });

  it('are made once, however many services ask at once', async () => {
    const before = await bounds();
    await appended(opened().log, appendTo(freshName(), undefined, { events: events(11) }));

    await Promise.all(Array.from({ length: 5 }, () => ensurePartitions(opened().database, partitions)));

    expect(await bounds()).toHaveLength(before.length + 1);
  });

  it('lack none when nobody makes them: appends go on, and later an ordinary partition takes their place', async () => {
    const { log, tail, database: pool } = opened();
    const stream = freshName();
    const from = await log.lastPosition();
    await appended(log, appendTo(stream, undefined, { events: events(100) }));
    expect(await countIn('events_default')).toBeGreaterThan(0);
    const before = await log.readStream(stream);

    await ensurePartitions(pool, partitions);

    expect(await countIn('events_default')).toBe(0);
    expect(await log.readStream(stream)).toEqual(before);
    expect((await tail.read(from, 1_000)).events).toEqual(before);
    expect(await verifyStream(log, stream)).toEqual({ status: 'intact', version: 100 });
    await expect(database.query('TRUNCATE events_default')).rejects.toThrow('Expected events to stay');
    await appended(log, appendTo(freshName(), undefined, { events: events(20) }));
    expect(await countIn('events_default')).toBe(0);
  });

  it('can be made while others append', async () => {
    const { log, database: pool } = opened();
    const appends = Array.from({ length: 30 }, () =>
      log.append([decision(appendTo(freshName(), undefined, { events: events(5) }))]),
    );
    const making = Array.from({ length: 3 }, () => ensurePartitions(pool, partitions));

    const outcomes = (await Promise.all(appends)).flat();
    await Promise.all(making);

    expect(outcomes.every(({ status }) => status === 'appended')).toBe(true);
  });
});
