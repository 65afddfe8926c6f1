import { Health } from '@ryax/platform';
import { createTestDatabase } from '@ryax/testing';
import { Client } from 'pg';
import { createWorld, type World } from '../testing/stores';
import { runStarted } from '../testing/written-streams';
import { registerChecks } from './checks';

describe('readiness', () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
  });
  afterEach(() => world.end());

  function check(laterMs = 0, broker = { connected: true }): Health {
    const health = new Health();
    const { eventLog } = world;
    const clock = { now: () => eventLog.clock.now() + laterMs };
    registerChecks({ ...eventLog, health, broker, clock });
    return health;
  }

  it('has nothing to complain of while all is well', async () => {
    expect(await check().unreadyParts()).toEqual([]);
  });

  it('needs the broker', async () => {
    const [part] = await check(0, { connected: false }).unreadyParts();
    expect(part).toMatchObject({ name: 'state store: broker' });
  });

  it('names the process whose open transaction holds up the log, once it has done so for a while', async () => {
    const forgetful = new Client({ connectionString: world.database.url, application_name: 'forgetful' });
    await forgetful.connect();
    const { rows } = await forgetful.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    // As an append that does not commit: it has a transaction id first, then a position.
    await forgetful.query('BEGIN');
    await forgetful.query('SELECT pg_current_xact_id()');
    await forgetful.query(`SELECT nextval('events_position')`);
    await world.streams.run('r1', runStarted('r1'));

    expect((await world.eventLog.tail.read(0, 10)).waiting).toBe(true);
    expect(await check().unreadyParts()).toEqual([]);
    const [part] = await check(60_000).unreadyParts();
    expect(part).toMatchObject({ name: 'state store: tail' });
    expect(part?.reason).toContain(`process ${rows[0]?.pid} (forgetful)`);

    await forgetful.end();
  });
});
