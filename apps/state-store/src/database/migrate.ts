import { Database } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import { DataSource } from 'typeorm';
import { migrations } from './migrations';

/**
 * Brings the state store's tables up to date, on connections of its own without the pool's time limits. Replicas that
 * start at once take turns, and all but the first find nothing to do.
 */
export async function migrateStateStore(url: string, log: Log): Promise<void> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    applicationName: 'ryax-migrate',
    installExtensions: false,
    migrations,
    migrationsTableName: 'state_store_migrations',
    // One holds the lock, one migrates.
    poolSize: 2,
    poolErrorHandler: (error: unknown) => log.warn('Lost an idle database connection while migrating', { error }),
  });
  await dataSource.initialize();
  try {
    const connection = await new Database(dataSource).hold();
    try {
      await connection.query(lock);
      const done = await dataSource.runMigrations({ transaction: 'each' });
      for (const { name } of done) log.info('Migrated the state store', { migration: name });
    } finally {
      // Closing frees the lock.
      await connection.release({ close: true });
    }
  } finally {
    await dataSource.destroy();
  }
}

const lock = {
  name: 'lock-migrations',
  text: `SELECT pg_advisory_lock(hashtextextended('ryax/state-store/migrations', 0))`,
};
