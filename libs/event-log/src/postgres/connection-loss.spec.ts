import { useBreakablePostgres, useProxy, useTestDatabase, waitFor } from '@ryax/testing';
import { appended, appendTo, decision, freshName } from '../contract/subject';
import { ConnectionLostError, DatabaseUnavailableError, UnknownCommitError } from '../errors';
import { verifyStream } from '../verify-stream';
import { Database } from './database';
import { silentLog, useEventLog } from './fixture';
import { PostgresLocks } from './locks';
import { PostgresEventLog } from './postgres-event-log';

describe('when connections are lost', () => {
  const database = useTestDatabase();
  const proxy = useProxy(() => database.url);
  const opened = useEventLog(() => ({ url: proxy.url }));

  const ours = `application_name = 'spec' AND datname = current_database()`;
  const blocked = `${ours} AND wait_event_type = 'Lock'`;
  const terminate = (which: string) =>
    database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${which}`);

  it.each([
    ['the line broke', async () => proxy.cut()],
    ['the server ended the connection', () => terminate(blocked)],
  ])('says that nothing is known of an append whose answer never came because %s', async (_case, lose) => {
    const { log, database: pool } = opened();
    const stream = freshName();
    const head = await appended(log, appendTo(stream, undefined));
    const blocker = await pool.hold();
    await blocker.query({ name: '', text: 'BEGIN' });
    await blocker.query({ name: '', text: `SELECT FROM stream_heads WHERE stream_id = '${stream}' FOR UPDATE` });

    const failure = log.append([decision(appendTo(stream, head))]).catch((error: unknown) => error);
    await waitFor(async () => (await database.query(`SELECT FROM pg_stat_activity WHERE ${blocked}`)).length > 0);
    await lose();

    const error = await failure;
    expect(error).toBeInstanceOf(UnknownCommitError);
    expect(error).toMatchObject({ streamIds: [stream], cause: expect.any(ConnectionLostError) });
    await blocker.release({ close: true });
    expect(await waitFor(() => verifyStream(log, stream))).toMatchObject({ status: 'intact' });
  });

  it('says that nothing is known of a batch that failed when a part of it was committed', async () => {
    class Failing extends Database {
      override transaction = () => Promise.reject(new DatabaseUnavailableError('no second connection'));
    }
    const log = new PostgresEventLog(new Failing(opened().database.dataSource), opened().clock);
    const [single, ...pair] = [freshName(), freshName(), freshName()].map((stream) => appendTo(stream, undefined));

    const append = log.append([{ streams: single ? [single] : [] }, { streams: pair }]);

    await expect(append).rejects.toBeInstanceOf(UnknownCommitError);
  });

  it('says that nothing was appended when there is no connection to be had, and recovers by itself', async () => {
    const { log } = opened();
    const stream = freshName();
    await proxy.close();
    // Until the pool has noticed that its idle connections are gone, one of them may be used.
    await waitFor(() => log.now().then(() => false, isRefused));

    const append = log.append([decision(appendTo(stream, undefined))]);
    expect(isRefused(await append.catch((error: unknown) => error))).toBe(true);
    await proxy.open();

    expect((await appended(log, appendTo(stream, undefined))).version).toBe(1);
  });

  it('outlives the loss of idle connections', async () => {
    const { log } = opened();
    await Promise.all([log.now(), log.now(), log.now()]);

    await terminate(ours);

    await waitFor(async () => (await log.now()) > 0);
  });

  it('gives a transaction up as a whole', async () => {
    const { database: pool, readers } = opened();
    const name = freshName('reader:');

    const transaction = pool.transaction(async (connection) => {
      await connection.query({ name: '', text: `INSERT INTO readers VALUES ('${name}', 7)` });
      proxy.cut();
      await connection.query({ name: '', text: 'SELECT 1' });
    });

    await expect(transaction).rejects.toBeInstanceOf(ConnectionLostError);
    expect(await waitFor(() => readers.position(name).then((position) => ({ position })))).toEqual({ position: 0 });
  });

  it('tells the holder of a lock, whose place another can take', async () => {
    const { locks } = opened();
    const name = freshName('shard:');
    const lock = await locks.tryAcquire(name);

    await terminate(ours);

    await waitFor(() => lock?.lost.aborted);
    const next = await waitFor(() => locks.tryAcquire(name));
    await next.release();
  });

  it('tells the holder of a lock when the database has gone silent', async () => {
    const locks = new PostgresLocks(opened().database, silentLog, { everyMs: 10, answerWithinMs: 50 });
    const lock = await locks.tryAcquire(freshName('shard:'));

    proxy.freeze();

    await waitFor(() => lock?.lost.aborted);
    proxy.thaw();
    proxy.cut();
  });
});

function isRefused(error: unknown): boolean {
  return error instanceof DatabaseUnavailableError && !(error instanceof ConnectionLostError);
}

describe('when PostgreSQL dies and comes back', () => {
  const server = useBreakablePostgres();
  const opened = useEventLog(() => ({ url: server.url }));

  it('keeps what it has accepted, and the tail goes on where it was', async () => {
    const { log, tail, identity } = opened();
    const before = await appended(log, appendTo(freshName(), undefined));
    const page = await tail.read(0, 10);
    const known = identity.current;

    await server.kill();
    await expect(log.append([decision(appendTo(before.streamId, before))])).rejects.toThrow();
    await server.start();

    const after = await waitFor(() => appended(log, appendTo(before.streamId, before)));
    expect(after.version).toBe(2);
    expect(await verifyStream(log, before.streamId)).toEqual({ status: 'intact', version: 2 });
    const next = await waitFor(async () => {
      const { events } = await tail.read(page.position, 10);
      return events.length > 0 && events;
    });
    expect(next).toMatchObject([{ streamId: before.streamId, version: 2 }]);
    expect(identity.current).toEqual(known);
  }, 120_000);
});
