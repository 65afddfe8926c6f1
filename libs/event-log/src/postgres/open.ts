import { retryUntilDone, type Clock, type Log } from '@ryax/platform';
import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';
import { DatabaseClock } from '../database-clock';
import { DatabaseUnavailableError } from '../errors';
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
  /** Ends the pool, and cuts off what is under way: to be called when nothing is. Once, however often it is called. */
  close(): Promise<void>;
}

const defaultConnectWithinMs = 60_000;

/** Migrates, connects, makes room for the next events and reads the clock: what it gives can be used at once. */
export async function openEventLog(options: EventLogOptions, log: Log, clock: Clock): Promise<OpenEventLog> {
  const signal = AbortSignal.timeout(options.connectWithinMs ?? defaultConnectWithinMs);
  let last: unknown;
  const onFailure = (error: unknown) => {
    last = error;
    if (isHopeless(error)) throw error;
    log.warn('The database was not ready yet', { error });
  };
  try {
    return await retryUntilDone(() => open(options, log, clock), { signal, onFailure });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new DatabaseUnavailableError('Expected the database to come up in time, found it unreachable', {
      cause: last,
    });
  }
}

async function open(options: EventLogOptions, log: Log, clock: Clock): Promise<OpenEventLog> {
  await migrate(options.url, log);
  const identity = new DatabaseIdentityWatch(log);
  const dataSource = createDataSource({ ...options, log, onConnect: (client) => identity.check(client) });
  await dataSource.initialize();
  const opened = assemble(new Database(dataSource), identity, new DatabaseClock(() => clock.monotonicMs()), log);
  try {
    await makeRoom(opened.database, options, log);
    await opened.log.now();
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}

/** No reason not to start: without room ahead events go to the default partition, and the owner's next call repairs that. */
async function makeRoom(database: Database, { partitions }: EventLogOptions, log: Log): Promise<void> {
  try {
    await ensurePartitions(database, partitions);
  } catch (error) {
    log.error('The partitions for the next events were not made', { error });
  }
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

/** What the database itself refuses, such as a wrong password, no waiting cures; only that it starts, stops or fails over. */
function isHopeless(error: unknown): boolean {
  const refusal: unknown = error instanceof QueryFailedError ? error.driverError : error;
  return refusal instanceof DatabaseError && !/^(25006|53|57)/.test(refusal.code ?? '');
}
