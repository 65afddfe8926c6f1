import type { Connection } from './database';
import type { Statement } from './sql';

/** What a commit survives. "Nothing accepted is lost" needs the first or the second. */
export type Durability = 'synchronous-standby' | 'this-server' | 'not-durable';

/** Of commits on such a connection; for `/readyz`. */
export async function readDurability(connection: Connection): Promise<Durability> {
  const [row] = await connection.query<{ fsync: string; commit: string; standbys: string }>(selectDurability);
  if (!row || row.fsync === 'off' || row.commit === 'off') return 'not-durable';
  return row.standbys === '' || row.commit === 'local' ? 'this-server' : 'synchronous-standby';
}

const selectDurability: Statement = {
  name: 'select-durability',
  text: `
    SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
           current_setting('synchronous_standby_names') AS standbys`,
};
