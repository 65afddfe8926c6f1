import type { Readers } from '../tail';
import type { Connection } from './database';
import type { ReaderRow } from './entities';
import type { Statement } from './sql';

export class PostgresReaders implements Readers {
  constructor(private readonly connection: Connection) {}

  async position(name: string): Promise<number> {
    const [row] = await this.connection.query<Pick<ReaderRow, 'position'>>(selectPosition, [name]);
    return Number(row?.position ?? 0);
  }

  /** Not waited for the disk: after a crash of the database a reader may stand a moment earlier, and reads that again. */
  async advance(name: string, from: number, to: number): Promise<boolean> {
    return (await this.connection.query(advanceUnsynced, [name, from, to])).length > 0;
  }
}

/**
 * The compare-and-set alone, for a transaction of the caller: a projection moves together with its rows.
 *
 * @param by the transaction that must have put it there, as this has answered; whichever it was where it is not given. The position alone
 *   does not tell whether another has written since, who may have put it back where it was
 * @returns the transaction that puts it there; undefined where it cannot be
 */
export async function advanceReader(
  connection: Connection,
  name: string,
  from: number,
  to: number,
  by?: string,
): Promise<string | undefined> {
  const [row] = await connection.query<{ by: string }>(advance, [name, from, to, by ?? null]);
  return row?.by;
}

const selectPosition: Statement = { name: 'select-reader', text: `SELECT position FROM readers WHERE name = $1` };

/** A reader without a row stands at 0. */
function advanceFrom(source: string, condition = ''): string {
  return `
    INSERT INTO readers AS reader (name, position)
    SELECT $1, $3::bigint
      FROM ${source}
     WHERE $2::bigint = 0 OR EXISTS (SELECT FROM readers WHERE name = $1)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE reader.position = $2::bigint ${condition}
    RETURNING pg_current_xact_id()::xid AS by`;
}

const advance: Statement = {
  name: 'advance-reader',
  text: advanceFrom('(SELECT) AS one', 'AND ($4::xid IS NULL OR reader.xmin = $4::xid)'),
};

const advanceUnsynced: Statement = {
  name: 'advance-reader-unsynced',
  text: advanceFrom(`(SELECT set_config('synchronous_commit', 'off', true)) AS unsynced`),
};
