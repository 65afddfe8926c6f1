import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { InMemoryBroker, InMemoryServer } from '@ryax/broker';
import { exchanges, queryReplySchema, routingKeys } from '@ryax/contracts';
import { LocalFileStore } from '@ryax/filestore';
import { Health, Metrics, NestLogger, PlatformModule, Shutdown } from '@ryax/platform';
import { useTestDatabase, waitFor } from '@ryax/testing';
import { StateStore } from './state-store';
import { StateStoreModule } from './state-store.module';
import { silentLog } from './testing/stores';

describe(StateStoreModule.name, () => {
  const database = useTestDatabase();
  const server = new InMemoryServer();
  let directory: string;
  const started: INestApplicationContext[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-state-store-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  afterEach(async () => {
    for (const app of started.splice(0)) {
      expect(await app.get(Shutdown).run('test')).toBe(true);
      await app.close();
    }
  });

  async function start(): Promise<INestApplicationContext> {
    const broker = new InMemoryBroker({ server, log: silentLog });
    const files = await LocalFileStore.open(directory);
    const options = { cacheBytes: 1024 * 1024, deadLetterBytes: 1024 * 1024, partitions: 16, isRelaying: true };
    const imports = [
      PlatformModule.forRoot({ service: 'test', log: silentLog }),
      StateStoreModule.forRoot({ broker, files, datastoreUrl: database.url, options }),
    ];
    class Root {}
    const app = await NestFactory.createApplicationContext(
      { module: Root, imports },
      { logger: new NestLogger(silentLog), abortOnError: false },
    );
    app.get(Shutdown).add('close', 'broker', () => broker.close());
    started.push(app);
    return app;
  }

  it('starts twice in one process, answers, and stops in order', async () => {
    const [first, second] = [await start(), await start()];
    await waitFor(() => first.get(StateStore).isActive);
    expect(second.get(StateStore).isActive).toBe(false);

    const asker = new InMemoryBroker({ server, log: silentLog });
    const target = { exchange: exchanges.queries.name, routingKey: routingKeys.queries };
    const data = { name: 'run.list', parameters: { project: 'default' } };
    const reply = await asker.request(
      target,
      { id: 'q', type: 'query', source: 'test', project: 'default', data },
      10_000,
    );
    expect(queryReplySchema.parse(reply.data)).toMatchObject({ status: 'answered', result: { items: [] } });
    await asker.close();
  });

  it('is ready, and shows its figures', async () => {
    const app = await start();
    await waitFor(() => app.get(StateStore).isActive);
    expect(await app.get(Health).unreadyParts()).toEqual([]);
    const figures = await app.get(Metrics).registry.metrics();
    for (const name of ['ryax_runs', 'ryax_executions_ended', 'ryax_store_lag_seconds', 'ryax_store_query_seconds']) {
      expect(figures).toContain(`# TYPE ${name} `);
    }
    expect(figures).toContain('ryax_store_lag_positions{reader="relay"} 0');
    expect(figures).toContain('ryax_store_active 1');
  });
});
