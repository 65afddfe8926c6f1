import { useTestDatabase } from '@ryax/testing';
import { appended, appendTo, freshName } from '../contract/subject';
import { useEventLog } from './fixture';

describe('the database keeps events as they were appended', () => {
  const database = useTestDatabase();
  const opened = useEventLog(() => ({ url: database.url, partitions: { eventsPerPartition: 10, ahead: 1 } }));
  let streamId: string;

  beforeAll(async () => {
    ({ streamId } = await appended(opened().log, appendTo(freshName(), undefined)));
  });

  const tables = ['events', 'events_1', 'events_11', 'events_default'];
  const changes = [
    (table: string) => `UPDATE ${table} SET data = '{}'`,
    (table: string) => `UPDATE ${table} SET data = '{}' WHERE false`,
    (table: string) => `DELETE FROM ${table}`,
    (table: string) => `TRUNCATE ${table}`,
  ];

  it.each(tables.flatMap((table) => changes.map((change) => change(table))))('refuses %s', async (statement) => {
    await expect(database.query(statement)).rejects.toThrow('Expected events to stay as they were appended');
    expect(await opened().log.readStream(streamId)).toHaveLength(1);
  });

  it('refuses an UPDATE that comes as the conflict of an INSERT', async () => {
    const upsert = `
      INSERT INTO events SELECT * FROM events
      ON CONFLICT (position) DO UPDATE SET data = 'changed'`;

    await expect(database.query(upsert)).rejects.toThrow('found UPDATE on events');
  });

  it.each(tables)('refuses to change %s even where a session has switched triggers off', async (table) => {
    const remove = `SET session_replication_role = replica; DELETE FROM ${table}`;

    await expect(database.query(remove)).rejects.toThrow(`found DELETE on ${table}`);
  });

  it('lets retention drop a whole partition, and appends go on', async () => {
    const { log } = opened();
    const after = freshName();

    await database.query('DROP TABLE events_1');
    await appended(log, appendTo(after, undefined, { events: Array(12).fill(appendTo(after, undefined).events[0]) }));

    expect(await log.readStream(streamId)).toEqual([]);
    expect((await log.readStream(after)).length).toBe(12);
  });
});
