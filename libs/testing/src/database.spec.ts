import { createTestDatabase, queryDatabase, useBreakablePostgres, useTestDatabase } from './database';

describe('useTestDatabase', () => {
  const database = useTestDatabase();

  it('gives an empty database of its own', async () => {
    await database.query('CREATE TABLE t (n int)');
    const other = await createTestDatabase();
    const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    expect(await database.query(tables)).toEqual([{ tablename: 't' }]);
    expect(await other.query(tables)).toEqual([]);
    await other.drop();
  });

  it('copies a template', async () => {
    const template = await createTestDatabase();
    await template.query('CREATE TABLE kept AS SELECT 7 AS n');
    const copy = await createTestDatabase({ template: template.name });
    expect(await copy.query('SELECT n FROM kept')).toEqual([{ n: 7 }]);
    await copy.drop();
    await template.drop();
  });

  it('runs on a server that is durable and runs as nobody privileged', async () => {
    const settings = await database.query(
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') ORDER BY name",
    );
    expect(settings).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
  });
});

describe('useBreakablePostgres', () => {
  const server = useBreakablePostgres();

  it('keeps what was committed, and its address, over a stop and a kill', async () => {
    const { url } = server;
    const database = { query: (sql: string) => queryDatabase(server.url, sql) };
    await database.query('CREATE TABLE t (n int)');
    await database.query('INSERT INTO t VALUES (1)');
    await server.restart();
    await database.query('INSERT INTO t VALUES (2)');
    await server.kill();
    await expect(database.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await server.start();

    expect(server.url).toBe(url);
    expect(await database.query('SELECT n FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  }, 120_000);
});
