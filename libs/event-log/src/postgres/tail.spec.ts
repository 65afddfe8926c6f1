import { useTestDatabase, waitFor } from '@ryax/testing';
import { appendTo, decision, events, freshName } from '../contract/subject';
import type { StoredEvent } from '../event-log';
import { appendStreams } from './append';
import type { Connection, Database, HeldConnection } from './database';
import { useEventLog } from './fixture';
import { prepareAppend } from './prepare-append';
import { PostgresTail } from './tail';

describe('the tail', () => {
  const database = useTestDatabase();
  const elsewhere = useTestDatabase();
  const opened = useEventLog(() => ({ url: database.url, poolSize: 20 }));
  const other = useEventLog(() => ({ url: elsewhere.url }));
  const held = new Set<HeldConnection>();

  afterEach(async () => {
    await Promise.all([...held].map((connection) => connection.release({ close: true })));
    held.clear();
    // It would hold up every tail of this server.
    const prepared = 'SELECT gid FROM pg_prepared_xacts WHERE database = current_database()';
    for (const { gid } of await elsewhere.query<{ gid: string }>(prepared)) {
      await elsewhere.query(`ROLLBACK PREPARED '${gid}'`);
    }
  });

  const begin = async (database: Database) => {
    const connection = await database.hold();
    held.add(connection);
    await connection.query(sql('BEGIN'));
    const end = async (statement: string) => {
      await connection.query(sql(statement));
      held.delete(connection);
      await connection.release();
    };
    return { connection, commit: () => end('COMMIT'), abort: () => end('ROLLBACK') };
  };

  /** A writer that has appended a stream and not committed yet. */
  const openWriter = async (count = 1) => {
    const { connection, commit, abort } = await begin(opened().database);
    const stream = freshName();
    await appendNew(connection, stream, count);
    return { stream, commit, abort };
  };

  /** Transactions of other specs, in other databases of the same server, may hold a tail up for a moment. */
  const readOn = (tail: PostgresTail, from: number, limit = 100) =>
    waitFor(async () => {
      const page = await tail.read(from, limit);
      return !page.waiting && page;
    });

  const commitOne = async () => {
    const stream = freshName();
    await appendNew(opened().database, stream, 1);
    return stream;
  };

  it('delivers an event of a slower transaction that committed after a faster one', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const slow = await openWriter();
    const fast = await commitOne();

    expect(await tail.read(from, 10)).toEqual({ events: [], position: from, waiting: true, full: false });
    await slow.commit();

    expect(streamsOf((await tail.read(from, 10)).events)).toEqual([slow.stream, fast]);
  });

  it('a writer slow between its heads and its events is waited for', async () => {
    const { database: pool, log } = opened();
    const tail = new PostgresTail(pool);
    // The first position of a sequence is logged, and so has a transaction id; most others are not.
    await commitOne();
    const from = await log.lastPosition();
    const slow = freshName();
    const gate = await holdInserts(slow);
    const writing = log.append([decision(appendTo(slow, undefined))]);
    await waitFor(gate.isReached);

    // It has its position and has written no event: only what it did before tells the tail that it is there.
    const committed: string[] = [];
    for (let look = 0; look < 3; look++) {
      committed.push(await commitOne());
      expect(await tail.read(from, 10)).toEqual({ events: [], position: from, waiting: true, full: false });
    }
    await gate.open();
    await writing;

    expect(streamsOf((await readOn(tail, from)).events)).toEqual([slow, ...committed]);
  });

  /** Appends to this stream stand between the position of an event and its row, until the gate is opened. */
  const holdInserts = async (stream: string) => {
    const { database: pool } = opened();
    const { connection, commit } = await begin(pool);
    await connection.query(sql(`SELECT pg_advisory_xact_lock(1)`));
    await pool.query(
      // Whoever stands there does so for as long as the spec likes.
      sql(`CREATE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS
           $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$`),
    );
    await pool.query(
      sql(`CREATE TRIGGER stand BEFORE INSERT ON events FOR EACH ROW
           WHEN (NEW.stream_id = '${stream}') EXECUTE FUNCTION stand()`),
    );
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`;
    return {
      isReached: async () => (await pool.query(sql(waiting))).length > 0,
      open: commit,
    };
  };

  it('delivers what lies before a gap at once', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const first = await commitOne();
    const slow = await openWriter();
    await commitOne();

    const page = await tail.read(from, 10);

    expect(page).toMatchObject({ waiting: true, position: from + 1 });
    expect(streamsOf(page.events)).toEqual([first]);
    await slow.abort();
  });

  it('does not stall at the gap of an aborted transaction, even when nobody writes any more', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const gone = await openWriter(3);
    const after = await commitOne();
    await gone.abort();

    const page = await readOn(tail, from);

    expect(streamsOf(page.events)).toEqual([after]);
    expect(page).toMatchObject({ position: from + 4, waiting: false });
  });

  it('is not held up by writers that began after it met the gap', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const gone = await openWriter();
    const after = await commitOne();
    expect((await tail.read(from, 10)).waiting).toBe(true);
    await openWriter();
    await gone.abort();

    const page = await readOn(tail, from);

    expect(streamsOf(page.events)).toEqual([after]);
  });

  it('settles all gaps that it can see together', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const committed: string[] = [];
    for (let gap = 0; gap < 5; gap++) {
      const gone = await openWriter();
      committed.push(await commitOne());
      await gone.abort();
    }

    expect(streamsOf((await readOn(tail, from)).events)).toEqual(committed);
  });

  it('does not pass a gap for a reader whose look was older than what another has learnt', async () => {
    const { database: pool, log } = opened();
    const from = await log.lastPosition();
    const slow = await openWriter();
    const fast = await commitOne();
    const { connection, answered, release } = holdingFirstAnswer(pool);
    const tail = new PostgresTail(connection);

    const late = tail.read(from, 10);
    await answered;
    expect((await tail.read(from, 10)).waiting).toBe(true);
    await slow.commit();
    const learnt = async () => {
      await tail.read(from, 10);
      return (await tail.stalled()) === undefined;
    };
    await waitFor(learnt);
    release();

    expect([[], [slow.stream, fast]]).toContainEqual(streamsOf((await late).events));
  });

  it('takes another fence when a crash has made the database forget the first', async () => {
    const from = await opened().log.lastPosition();
    const gone = await openWriter();
    const after = await commitOne();
    const tail = new PostgresTail(answeringFence(opened().database, '9223372036854775807'));
    expect((await tail.read(from, 10)).waiting).toBe(true);
    await gone.abort();

    expect(streamsOf((await readOn(tail, from)).events)).toEqual([after]);
  });

  it('an open or a forgotten prepared transaction stops the tail and is named', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const blocker = await begin(other().database);
    const [row] = await blocker.connection.query<{ pid: number }>(
      sql('SELECT pg_backend_pid() AS pid, pg_current_xact_id()'),
    );
    const forgotten = await begin(other().database);
    const gid = `forgotten-${elsewhere.name}`;
    await forgotten.connection.query(sql('SELECT pg_current_xact_id()'));
    await forgotten.connection.query(sql(`PREPARE TRANSACTION '${gid}'`));
    await forgotten.commit();
    const gone = await openWriter();
    await commitOne();
    await gone.abort();

    expect((await tail.read(from, 10)).waiting).toBe(true);
    const stall = await tail.stalled();
    const named = stall?.blockers.find((each) => each.type === 'backend' && each.pid === row?.pid);
    expect(named).toMatchObject({ database: elsewhere.name, application: 'spec' });
    expect(stall?.since).toBeGreaterThanOrEqual(named?.startedAt ?? Infinity);
    const prepared = { type: 'prepared', gid, database: elsewhere.name };
    expect(stall?.blockers).toContainEqual(expect.objectContaining(prepared));

    await blocker.abort();
    expect((await tail.read(from, 10)).waiting).toBe(true);
    await other().database.query(sql(`ROLLBACK PREPARED '${gid}'`));
    expect((await readOn(tail, from)).events).toHaveLength(1);
    expect(await tail.stalled()).toBeUndefined();
  });

  it('starts anew where a restore has put another history in place', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const gone = await openWriter();
    await commitOne();
    await gone.abort();
    await readOn(tail, from);

    tail.reset();

    expect((await readOn(tail, from)).events).toHaveLength(1);
  });

  it('delivers no event before an older one of its stream, and loses none', async () => {
    const tail = new PostgresTail(opened().database);
    const from = await opened().log.lastPosition();
    const committed = new Set<string>();
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let turn = 0; turn < 40; turn++) {
        const { stream, commit, abort } = await openWriter(1 + (turn % 3));
        for (let pause = (turn * 7 + writer * 3) % 9; pause > 0; pause--)
          await opened().database.query(sql('SELECT 1'));
        const isKept = (turn + writer) % 4 !== 0;
        await (isKept ? commit() : abort());
        if (isKept) committed.add(stream);
      }
    });
    let running = true;
    const writing = Promise.all(writers).finally(() => (running = false));

    const seen: StoredEvent[] = [];
    for (let position = from; ;) {
      const wasRunning = running;
      const page = await tail.read(position, 7);
      seen.push(...page.events);
      position = page.position;
      if (!wasRunning && page.events.length === 0 && !page.waiting) break;
    }
    await writing;

    const positions = seen.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(new Set(streamsOf(seen))).toEqual(committed);
    expect(positions.at(-1)).toBe(await opened().log.lastPosition());
  });
});

/** Makes every query at once, but keeps the answer to the first until it is told to give it. */
function holdingFirstAnswer(pool: Connection) {
  let arrive = () => {};
  let release = () => {};
  const answered = new Promise<void>((resolve) => (arrive = resolve));
  const gate = new Promise<void>((resolve) => (release = resolve));
  let queries = 0;
  const connection: Connection = {
    query: async (statement, values) => {
      const isFirst = (queries += 1) === 1;
      const answer = await pool.query<never>(statement, values);
      if (isFirst) arrive();
      if (isFirst) await gate;
      return answer;
    },
  };
  return { connection, answered, release: () => release() };
}

/** Its first answer to "which transaction am I" is this one. */
function answeringFence(pool: Connection, id: string): Connection {
  let isFirst = true;
  return {
    query: async (statement, values) => {
      const answer = await pool.query<never>(statement, values);
      if (!statement.text.includes('pg_current_xact_id') || !isFirst) return answer;
      isFirst = false;
      return [{ ...(answer[0] ?? {}), id } as never];
    },
  };
}

function sql(text: string) {
  return { name: '', text };
}

async function appendNew(connection: Connection, stream: string, count: number): Promise<void> {
  const [prepared] = prepareAppend([decision(appendTo(stream, undefined, { events: events(count) }))]);
  await appendStreams(connection, prepared?.streams ?? []);
}

function streamsOf(stored: readonly StoredEvent[]): string[] {
  return [...new Set(stored.map(({ streamId }) => streamId))];
}
