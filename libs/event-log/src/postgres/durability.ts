import type { Health, Log } from '@ryax/platform';
import type { Connection } from './database';
import type { Statement } from './sql';

/** What a commit survives. "Nothing accepted is lost" needs the first or the second. */
export interface Durability {
  readonly level: 'synchronous-standby' | 'this-server' | 'not-durable';
  /** The settings that make it not durable. */
  readonly off: readonly string[];
}

/** Of commits on such a connection; for `/readyz`. */
export async function readDurability(connection: Connection): Promise<Durability> {
  const [row] = await connection.query<DurabilityRow>(selectDurability);
  if (!row) throw new Error('Expected the settings of the database, found none');
  const { standbys, ...settings } = row;
  const off = Object.entries(settings).flatMap(([name, value]) => (value === 'off' ? [name] : []));
  if (off.length > 0) return { level: 'not-durable', off };
  return { level: standbys === '' || row.synchronous_commit === 'local' ? 'this-server' : 'synchronous-standby', off };
}

/** Has `/readyz` say it from now on. A start goes on without it: a log that loses what it accepted is its operator's choice. */
export async function watchDurability(health: Health, connection: Connection, log: Log): Promise<void> {
  health.facts.register('durability', () => readDurability(connection));
  try {
    const { level, off } = await readDurability(connection);
    if (level === 'not-durable') log.warn('A crash of the database may lose what was accepted', { off });
  } catch (error) {
    log.warn('What a commit survives could not be read', { error });
  }
}

interface DurabilityRow {
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly standbys: string;
}

const selectDurability: Statement = {
  name: 'select-durability',
  text: `
    SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('synchronous_standby_names') AS standbys`,
};
