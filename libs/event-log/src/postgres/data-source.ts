import type { Log } from '@ryax/platform';
import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { entities } from './entities';

export interface PoolOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** Shown in `pg_stat_activity`: which service holds a connection or stalls the tail. */
  readonly applicationName: string;
  readonly poolSize?: number;
  readonly log: Log;
  /** Inspects each new connection before it is used; a rejection closes it. */
  readonly onConnect?: (client: Client) => Promise<void>;
}

/** Enough for an append, its readers, the timers and one held lock at the same time. */
const defaultPoolSize = 10;

/** All below the 20 s within which a stalled partition must have moved on. */
const timeouts = {
  connectMs: 5_000,
  lockMs: 5_000,
  statementMs: 10_000,
  /** Any writing transaction left open stops the tail of the whole cluster. */
  idleInTransactionMs: 10_000,
  /** Beyond the server's own limit: only a peer that has silently gone is waited for so long. */
  answerMs: 12_000,
};

/** Lets the server notice within 15 s that our host has gone, and drop the locks that it held. */
const keepalives = '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2';

/**
 * Our statements are prepared, look up by index, and take arrays whose length is another each time: left to choose, the planner
 * plans them anew for small arrays, which takes longer than an append. None is worth compiling.
 */
const planning = '-c plan_cache_mode=force_generic_plan -c jit=off';

/** A DataSource whose pool survives lost connections and leaves no statement waiting for ever; not yet initialized. */
export function createDataSource({ url, applicationName, poolSize, log, onConnect }: PoolOptions): DataSource {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    applicationName,
    entities,
    installExtensions: false,
    poolSize: poolSize ?? defaultPoolSize,
    connectTimeoutMS: timeouts.connectMs,
    // Without a handler the loss of an idle connection would end the process. The pool replaces it by itself.
    poolErrorHandler: (error: unknown) => {
      // A server that goes while we close our connections takes nothing from us.
      if (dataSource.isInitialized) log.warn('Lost an idle database connection', { error });
    },
    extra: {
      keepAlive: true,
      // Statements of one transaction that are asked for together leave together; see Connection.
      pipeline: true,
      statement_timeout: timeouts.statementMs,
      lock_timeout: timeouts.lockMs,
      idle_in_transaction_session_timeout: timeouts.idleInTransactionMs,
      query_timeout: timeouts.answerMs,
      options: `${keepalives} ${planning}`,
      onConnect,
    },
  });
  return dataSource;
}
