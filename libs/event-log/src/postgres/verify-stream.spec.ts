import { useTestDatabase } from '@ryax/testing';
import { appended, appendTo, events, freshName } from '../contract/subject';
import { verifyStream } from '../verify-stream';
import { useEventLog } from './fixture';

describe('verifying a stream', () => {
  const database = useTestDatabase();
  const opened = useEventLog(() => ({ url: database.url }));
  let stream: string;

  beforeEach(async () => {
    ({ streamId: stream } = await appended(opened().log, appendTo(freshName(), undefined, { events: events(3) })));
  });

  /** By somebody who may do anything to the database. */
  const tamper = async (statement: string) => {
    await database.query(`ALTER TABLE events DISABLE TRIGGER USER`);
    await database.query(statement, [stream]);
    await database.query(`ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_immutable`);
  };

  it.each([
    ['data that was changed', `UPDATE events SET data = '{}' WHERE stream_id = $1 AND version = 2`, 2],
    ['a time that was changed', `UPDATE events SET recorded_at = 0 WHERE stream_id = $1 AND version = 3`, 3],
    ['an event that was removed', `DELETE FROM events WHERE stream_id = $1 AND version = 2`, 2],
    ['an end that was cut off', `DELETE FROM events WHERE stream_id = $1 AND version = 3`, 3],
    ['a head of another history', `UPDATE stream_heads SET hash = '\\xab' WHERE stream_id = $1`, 3],
    ['a head that was removed', `DELETE FROM stream_heads WHERE stream_id = $1`, 1],
  ])('finds %s', async (_case, statement, version) => {
    expect(await verifyStream(opened().log, stream)).toEqual({ status: 'intact', version: 3 });

    await tamper(statement);

    expect(await verifyStream(opened().log, stream)).toMatchObject({ status: 'broken', version });
  });
});
