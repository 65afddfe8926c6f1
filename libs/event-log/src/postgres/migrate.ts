import type { Log } from '@ryax/platform';
import { DataSource } from 'typeorm';
import { Database } from './database';
import { migrations } from './migrations';
import type { Statement } from './sql';

/**
 * Brings the tables up to date. Services that start at once take turns, and all but the first find nothing to do. On
 * connections of its own, without the time limits of the pool.
 */
export async function migrate(url: string, log: Log): Promise<void> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    applicationName: 'ryax-migrate',
    installExtensions: false,
    migrations,
    migrationsTableName: 'event_log_migrations',
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
      for (const { name } of done) log.info('Migrated the event log', { migration: name });
    } finally {
      // Closing frees the lock.
      await connection.release({ close: true });
    }
  } finally {
    await dataSource.destroy();
  }
}

const lock: Statement = {
  name: 'lock-migrations',
  text: `SELECT pg_advisory_lock(hashtextextended('ryax/migrations', 0))`,
};
