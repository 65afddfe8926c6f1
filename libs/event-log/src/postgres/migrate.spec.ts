import { useTestDatabase } from '@ryax/testing';
import { createDataSource } from './data-source';
import { silentLog } from './fixture';
import { migrate } from './migrate';
import { migrations } from './migrations';

describe('migrating', () => {
  const database = useTestDatabase();

  it('is done once by services that start at once', async () => {
    await Promise.all(Array.from({ length: 5 }, () => migrate(database.url, silentLog)));

    expect(await database.query('SELECT name FROM event_log_migrations')).toHaveLength(migrations.length);
  });

  it('makes the tables that the entities describe', async () => {
    await migrate(database.url, silentLog);
    const dataSource = await createDataSource({
      url: database.url,
      applicationName: 'spec',
      log: silentLog,
    }).initialize();

    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    await dataSource.destroy();

    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });
});
