import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@ryax/platform';
import { Client } from 'pg';
import { testServer } from './environment';

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Runs one statement on a connection of its own, past whatever the code under test holds. */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export interface DatabaseOptions {
  /** The name of a database to copy, which nobody may be connected to; empty when left out. */
  readonly template?: string;
}

/** A fresh database on the test server, dropped after the tests of the calling `describe`; made once, before all of them. */
export function useTestDatabase(options: DatabaseOptions = {}): TestDatabase {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await createTestDatabase(options);
  });
  afterAll(() => database?.drop());
  const get = () => made(database, 'useTestDatabase');
  return {
    get name() {
      return get().name;
    },
    get url() {
      return get().url;
    },
    query: (sql, values) => get().query(sql, values),
    drop: () => get().drop(),
  };
}

/** For a spec that wants one for each test. */
export async function createTestDatabase({ template }: DatabaseOptions = {}): Promise<TestDatabase> {
  const server = testServer('RYAX_TEST_POSTGRES');
  const name = `ryax_${randomUUID().replaceAll('-', '')}`;
  await queryDatabase(server, `CREATE DATABASE ${name}${template === undefined ? '' : ` TEMPLATE ${template}`}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    query: (sql, values) => queryDatabase(url.href, sql, values),
    drop: async () => {
      await queryDatabase(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

export interface BreakablePostgres {
  readonly url: string;
  start(): Promise<void>;
  /** In order, with a checkpoint. */
  stop(): Promise<void>;
  /** Like a loss of power to the server: nothing is flushed, nobody is told. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const startTimeoutMs = 60_000;

/** A PostgreSQL for the calling `describe` alone, to be stopped and killed; the same port and data after each start. */
export function useBreakablePostgres(): BreakablePostgres {
  let server: EmbeddedPostgres | undefined;
  let directory: string | undefined;
  const get = () => made(server, 'useBreakablePostgres');
  const start = async () => {
    const port = server?.port ?? 0;
    server = await startEmbeddedPostgres({ directory: made(directory, 'useBreakablePostgres'), port });
  };
  const stop = () => get().stop();
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ryax-postgres-'));
    await start();
  }, startTimeoutMs);
  afterAll(async () => {
    await server?.stop();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }, startTimeoutMs);
  return {
    get url() {
      return get().url;
    },
    start,
    stop,
    kill: async () => {
      process.kill(get().pid, 'SIGKILL');
      await get().ended;
    },
    restart: async () => {
      await stop();
      await start();
    },
  };
}

/** One statement on a connection of its own. */
export async function queryDatabase<Row extends object>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A server that a spec has stopped breaks the connection: that is an answer of the query, not an event of its own.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

function made<T>(value: T | undefined, fixture: string): T {
  if (value === undefined) throw new Error(`${fixture} has nothing yet: use it inside a test or a later beforeAll`);
  return value;
}
