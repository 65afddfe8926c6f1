import type { Log } from '@ryax/platform';
import type { Client } from 'pg';

/** Which history of which database cluster this is; a restore or a fail-over changes one or both. */
export interface DatabaseIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

export interface IdentityChange {
  readonly from: DatabaseIdentity;
  readonly to: DatabaseIdentity;
}

/**
 * Compares each new connection's database with the one known so far, before the connection is used. After a change,
 * events that were seen may be gone: listeners drop their caches and read their cursors again.
 */
export class DatabaseIdentityWatch {
  private known: DatabaseIdentity | undefined;
  private readonly listeners = new Set<(change: IdentityChange) => void>();

  constructor(private readonly log: Log) {}

  /** Undefined before the first connection. */
  get current(): DatabaseIdentity | undefined {
    return this.known;
  }

  /** @returns removes the listener */
  onChange(listener: (change: IdentityChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Rejects a standby: what it answers may be old. */
  async check(client: Pick<Client, 'query'>): Promise<void> {
    const { rows } = await client.query<IdentityRow>(selectIdentity);
    const [row] = rows;
    if (!row || row.timeline === null) throw new Error('Expected the primary database, found a standby');
    this.compare({ systemIdentifier: row.system_identifier, timeline: row.timeline });
  }

  private compare(found: DatabaseIdentity): void {
    const { known } = this;
    this.known = found;
    if (!known || (known.systemIdentifier === found.systemIdentifier && known.timeline === found.timeline)) return;
    this.log.error('The database is not the one that it was', { from: known, to: found });
    for (const listener of this.listeners) listener({ from: known, to: found });
  }
}

interface IdentityRow {
  readonly system_identifier: string;
  readonly timeline: number | null;
}

/** The timeline as new WAL is named by: pg_control's own lags behind a promotion until the next checkpoint. */
const selectIdentity = `
  SELECT system_identifier::text AS system_identifier,
         CASE WHEN NOT pg_is_in_recovery()
              THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer END AS timeline
    FROM pg_control_system()`;
