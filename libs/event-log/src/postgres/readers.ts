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

/** The compare-and-set alone, for a transaction of the caller: a projection moves together with its rows. */
export async function advanceReader(connection: Connection, name: string, from: number, to: number): Promise<boolean> {
  return (await connection.query(advance, [name, from, to])).length > 0;
}

const selectPosition: Statement = { name: 'select-reader', text: `SELECT position FROM readers WHERE name = $1` };

/** A reader without a row stands at 0. */
function advanceFrom(source: string): string {
  return `
    INSERT INTO readers AS reader (name, position)
    SELECT $1, $3::bigint
      FROM ${source}
     WHERE $2::bigint = 0 OR EXISTS (SELECT FROM readers WHERE name = $1)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE reader.position = $2::bigint
    RETURNING name`;
}

const advance: Statement = { name: 'advance-reader', text: advanceFrom('(SELECT) AS one') };

const advanceUnsynced: Statement = {
  name: 'advance-reader-unsynced',
  text: advanceFrom(`(SELECT set_config('synchronous_commit', 'off', true)) AS unsynced`),
};
