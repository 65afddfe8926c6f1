import { useTestDatabase } from '@ryax/testing';
import { DataSource } from 'typeorm';
import { silentLog } from '../testing/stores';
import { entities } from './entities';
import { migrateStateStore } from './migrate';
import { migrations } from './migrations';

describe('migrating the state store', () => {
  const database = useTestDatabase();

  it('is done once by replicas that start at once', async () => {
    await Promise.all(Array.from({ length: 4 }, () => migrateStateStore(database.url, silentLog)));
    expect(await database.query('SELECT name FROM state_store_migrations')).toHaveLength(migrations.length);
  });

  it('makes the tables that the entities describe', async () => {
    await migrateStateStore(database.url, silentLog);
    const options = { type: 'postgres', url: database.url, installExtensions: false, entities } as const;
    const dataSource = await new DataSource(options).initialize();
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    await dataSource.destroy();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });
});
