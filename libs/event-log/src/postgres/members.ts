import type { DatabaseClock } from '../database-clock';
import type { Member, MemberBeat, Members } from '../members';
import type { Connection } from './database';
import type { MemberRow } from './entities';
import { heldLocks, lockKey } from './locks';
import { nowMs, type Statement } from './sql';

/** Beats as rows. Each beat also teaches the process's {@link DatabaseClock}. */
export class PostgresMembers implements Members {
  constructor(
    private readonly connection: Connection,
    private readonly clock: DatabaseClock,
  ) {}

  async beat(beat: MemberBeat): Promise<void> {
    const { incarnation, id, kind, site, pools, poolKinds, wanted, schemaMax, lock, keepsWork, sent } = beat;
    await this.clock.refresh(async () => {
      const values = [incarnation, id, kind, site, pools, wanted, schemaMax, sent, lock, keepsWork, poolKinds];
      const [row] = await this.connection.query<{ now: string }>(upsert, values);
      return Number(row?.now);
    });
  }

  async live(withinMs: number): Promise<readonly Member[]> {
    return (await this.connection.query<MemberRow>(selectLive, [withinMs])).map(member);
  }

  async leave(incarnation: string): Promise<void> {
    await this.connection.query(remove, [incarnation]);
  }

  async forget(silentMs: number): Promise<void> {
    await this.connection.query(removeSilent, [silentMs]);
  }
}

function member({ schema_max, keeps_work, beat_at, pool_kinds, ...row }: MemberRow): Member {
  return { ...row, poolKinds: pool_kinds, schemaMax: schema_max, keepsWork: keeps_work, beatAt: Number(beat_at) };
}

const upsert: Statement = {
  name: 'upsert-member',
  text: `
    WITH beat AS (
      INSERT INTO members AS old
        (incarnation, id, kind, site, pools, wanted, schema_max, sent, lock, keeps_work, pool_kinds, beat_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ${nowMs})
      ON CONFLICT (incarnation) DO UPDATE
         SET pools = excluded.pools, wanted = excluded.wanted, schema_max = excluded.schema_max,
             sent = excluded.sent, lock = excluded.lock, beat_at = excluded.beat_at,
             pool_kinds = excluded.pool_kinds, keeps_work = old.keeps_work OR excluded.keeps_work
       WHERE old.sent < excluded.sent
    )
    SELECT ${nowMs} AS now`,
};

/** A member without a lock is an executor, or a runner of a version that took none. */
const selectLive: Statement = {
  name: 'select-live-members',
  text: `
    WITH held AS MATERIALIZED (${heldLocks})
    SELECT incarnation, id, kind, site, pools, wanted, schema_max, lock, keeps_work, pool_kinds, sent, beat_at
      FROM members
     WHERE beat_at > ${nowMs} - $1::bigint
       AND (lock IS NULL OR ${lockKey('lock')} IN (SELECT key FROM held))
     ORDER BY incarnation`,
};

const remove: Statement = { name: 'delete-member', text: `DELETE FROM members WHERE incarnation = $1` };

const removeSilent: Statement = {
  name: 'delete-silent-members',
  text: `DELETE FROM members WHERE beat_at <= ${nowMs} - $1::bigint`,
};
