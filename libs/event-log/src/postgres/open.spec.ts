import { Clock } from '@ryax/platform';
import { useProxy, useTestDatabase } from '@ryax/testing';
import { silentLog, useEventLog } from './fixture';
import { readDurability } from './durability';
import { DatabaseIdentityWatch } from './identity';
import { openEventLog } from './open';

describe('opening the log', () => {
  const database = useTestDatabase();
  const proxy = useProxy(() => database.url);
  const opened = useEventLog(() => ({ url: database.url }));

  it('waits for a database that is not up yet', async () => {
    await proxy.close();

    const opening = openEventLog({ url: proxy.url, applicationName: 'early' }, silentLog, new Clock());
    await proxy.open();

    await (await opening).close();
  });

  it('gives up after the time that it was given', async () => {
    await proxy.close();

    const opening = openEventLog(
      { url: proxy.url, applicationName: 'early', connectWithinMs: 2_000 },
      silentLog,
      new Clock(),
    );

    await expect(opening).rejects.toMatchObject({ code: 'database-unavailable', cause: { code: 'ECONNREFUSED' } });
    await proxy.open();
  });

  it('does not wait for a database that does not exist', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';

    await expect(openEventLog({ url: url.href, applicationName: 'lost' }, silentLog, new Clock())).rejects.toThrow(
      'database "nowhere" does not exist',
    );
  });

  it('has read the clock of the database', async () => {
    const { log, clock } = opened();

    expect(Math.abs(clock.now() - (await log.now()))).toBeLessThan(1_000);
  });

  it('keeps the number of partitions that the first start chose', async () => {
    const { settings } = opened();

    expect(await Promise.all([settings.partitionCount(64), settings.partitionCount(64)])).toEqual([64, 64]);
    expect(await settings.partitionCount(16)).toBe(64);
  });

  it('knows what a commit survives', async () => {
    expect(await readDurability(opened().database)).toEqual({ level: 'this-server', off: [] });
  });

  it('limits how long its connections may wait, and names them', async () => {
    const [row] = await opened().database.query(
      {
        name: '',
        text: `SELECT current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('lock_timeout') AS lock,
                      current_setting('statement_timeout') AS statement, current_setting('application_name') AS name`,
      },
      [],
    );

    expect(row).toEqual({ idle: '10s', lock: '5s', statement: '10s', name: 'spec' });
  });
});

describe('the identity of a database', () => {
  const database = useTestDatabase();
  const opened = useEventLog(() => ({ url: database.url }));

  /** A connection to a database that says this of itself. */
  const answering = (system_identifier: string, timeline: number | null) =>
    ({ query: () => Promise.resolve({ rows: [{ system_identifier, timeline }] }) }) as never;

  it('is known from the first connection on', () => {
    expect(opened().identity.current).toMatchObject({ systemIdentifier: expect.stringMatching(/^\d+$/), timeline: 1 });
  });

  it.each([
    ['another cluster', answering('8', 1)],
    ['another timeline', answering('7', 2)],
  ])('tells its listeners of %s, once', async (_case, changed) => {
    const watch = new DatabaseIdentityWatch(silentLog);
    const changes: unknown[] = [];
    watch.onChange((change) => changes.push(change));

    await watch.check(answering('7', 1));
    await watch.check(answering('7', 1));
    expect(changes).toEqual([]);
    await watch.check(changed);
    await watch.check(changed);

    expect(changes).toEqual([{ from: { systemIdentifier: '7', timeline: 1 }, to: watch.current }]);
  });

  it('refuses a standby, whose answers may be old', async () => {
    const watch = new DatabaseIdentityWatch(silentLog);

    await expect(watch.check(answering('7', null))).rejects.toThrow('found a standby');
  });
});
