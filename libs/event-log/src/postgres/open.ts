import { retryUntilDone, type Clock, type Log } from '@ryax/platform';
import { DatabaseError } from 'pg';
import { DatabaseClock } from '../database-clock';
import { createDataSource } from './data-source';
import { Database } from './database';
import { DatabaseIdentityWatch } from './identity';
import { PostgresLocks } from './locks';
import { PostgresMembers } from './members';
import { migrate } from './migrate';
import { ensurePartitions, type PartitionOptions } from './partitions';
import { PostgresEventLog } from './postgres-event-log';
import { PostgresReaders } from './readers';
import { Settings } from './settings';
import { PostgresTail } from './tail';

export interface EventLogOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** Names the service's connections in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly poolSize?: number;
  readonly partitions?: PartitionOptions;
  /** How long the database may take to come up beside us. */
  readonly connectWithinMs?: number;
}

/** Everything on one pool. */
export interface OpenEventLog {
  readonly log: PostgresEventLog;
  readonly tail: PostgresTail;
  readonly members: PostgresMembers;
  readonly readers: PostgresReaders;
  readonly locks: PostgresLocks;
  readonly settings: Settings;
  readonly clock: DatabaseClock;
  readonly identity: DatabaseIdentityWatch;
  readonly database: Database;
  /** Ends the pool after the statements under way; once, however often it is called. */
  close(): Promise<void>;
}

const defaultConnectWithinMs = 60_000;

/** Migrates, connects, makes room for the next events and reads the clock: what it gives can be used at once. */
export async function openEventLog(options: EventLogOptions, log: Log, clock: Clock): Promise<OpenEventLog> {
  const { connectWithinMs = defaultConnectWithinMs } = options;
  await retryUntilDone(() => migrate(options.url, log), {
    signal: AbortSignal.timeout(connectWithinMs),
    onFailure: (error) => {
      if (isHopeless(error)) throw error;
      log.warn('The database was not ready yet', { error });
    },
  });
  const identity = new DatabaseIdentityWatch(log);
  const dataSource = createDataSource({ ...options, log, onConnect: (client) => identity.check(client) });
  await dataSource.initialize();
  const database = new Database(dataSource);
  const opened = assemble(database, identity, new DatabaseClock(() => clock.monotonicMs()), log);
  try {
    await ensurePartitions(database, options.partitions);
    await opened.log.now();
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}

function assemble(database: Database, identity: DatabaseIdentityWatch, clock: DatabaseClock, log: Log): OpenEventLog {
  const tail = new PostgresTail(database);
  identity.onChange(() => tail.reset());
  let closed: Promise<void> | undefined;
  return {
    log: new PostgresEventLog(database, clock),
    tail,
    members: new PostgresMembers(database, clock),
    readers: new PostgresReaders(database),
    locks: new PostgresLocks(database, log),
    settings: new Settings(database),
    clock,
    identity,
    database,
    close: () => (closed ??= database.dataSource.destroy()),
  };
}

/** Only a lost or refused connection is cured by waiting; a wrong password or a failing migration is not. */
function isHopeless(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof DatabaseError && !/^(53|57)/.test(cause.code ?? '');
}
