import { Test } from '@nestjs/testing';
import { Facts } from './facts';
import { Health } from './health';
import { Log } from './log';
import { Metrics } from './metrics';
import { OperationsServer } from './operations';
import { PlatformModule } from './platform.module';

describe('the operations server', () => {
  let health: Health;
  let metrics: Metrics;
  let server: OperationsServer;
  let origin: string;

  beforeEach(async () => {
    health = new Health();
    metrics = new Metrics();
    server = new OperationsServer(health, metrics);
    origin = `http://127.0.0.1:${await server.start(0, '127.0.0.1')}`;
  });
  afterEach(() => server.stop());

  const get = async (path: string) => {
    const response = await fetch(origin + path);
    return { status: response.status, body: await response.text() };
  };

  it('is ready when all checks pass', async () => {
    health.register('database', () => Promise.resolve());
    expect(await get('/readyz')).toEqual({ status: 200, body: '{"status":"ok"}\n' });
  });

  it('names what fails and why, while it stays alive', async () => {
    health.register('database', () => Promise.reject(new Error('connection refused')));
    health.register('broker', () => undefined);

    const { status, body } = await get('/readyz');

    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({
      status: 'failing',
      failures: [{ name: 'database', reason: 'connection refused' }],
    });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('says its facts beside its readiness, of two with one name the later', async () => {
    health.facts.register('durability', () => ({ level: 'of another' }));
    health.facts.register('durability', () => Promise.resolve({ level: 'this-server' }));
    expect(JSON.parse((await get('/readyz')).body)).toEqual({ status: 'ok', durability: { level: 'this-server' } });
    health.register('broker', () => Promise.reject(new Error('closed')));
    expect(JSON.parse((await get('/readyz')).body)).toMatchObject({
      status: 'failing',
      durability: { level: 'this-server' },
    });
    expect((await get('/healthz')).body).toBe('{"status":"ok"}\n');
  });

  it('is ready although a fact cannot be read', async () => {
    health.facts.register('durability', () => Promise.reject(new Error('connection refused')));
    const { status, body } = await get('/readyz');
    expect([status, JSON.parse(body)]).toEqual([200, { status: 'ok', durability: 'unknown' }]);
  });

  it('fails a check that does not answer in time', async () => {
    health.register('broker', () => new Promise(() => undefined), { deadlineMs: 5 });
    expect(await health.unreadyParts()).toEqual([{ name: 'broker', reason: 'no answer within 5 ms' }]);
  });

  it('is neither alive nor ready once a vital part has ended', async () => {
    health.fail('tail', 'cursor lost');
    expect(await get('/healthz')).toMatchObject({ status: 503, body: expect.stringContaining('cursor lost') });
    expect(await get('/readyz')).toMatchObject({ status: 503 });
  });

  it('forgets a check that was taken back', async () => {
    const takeBack = health.register('broker', () => Promise.reject(new Error('closed')));
    takeBack();
    expect((await get('/readyz')).status).toBe(200);
  });

  it('shows its metrics, and not those of another instance in the process', async () => {
    const other = new Metrics();
    other.counter({ name: 'ryax_appends_total', help: 'Appends.' }).inc(5);
    metrics.counter({ name: 'ryax_appends_total', help: 'Appends.' }).inc(2);
    expect((await get('/metrics')).body).toContain('ryax_appends_total 2');
  });

  it('knows no other path', async () => {
    expect((await get('/readyz?verbose')).status).toBe(200);
    expect((await get('/')).status).toBe(404);
  });
});

describe('a fact', () => {
  it('is read once a minute, and said as it was known last while it cannot be read', async () => {
    let nowMs = 0;
    let read: () => unknown = () => 'first';
    const facts = new Facts(() => nowMs);
    facts.register('durability', () => read());
    expect(await facts.current()).toEqual({ durability: 'first' });
    read = () => 'second';
    expect(await facts.current()).toEqual({ durability: 'first' });
    nowMs = 60_000;
    read = () => Promise.reject(new Error('connection refused'));
    expect(await facts.current()).toEqual({ durability: 'first' });
    read = () => 'second';
    expect(await facts.current()).toEqual({ durability: 'second' });
  });
});

describe('PlatformModule', () => {
  it('gives every module of an application the same instances', async () => {
    const log = new Log({ service: 'test', write: () => undefined });
    const module = await Test.createTestingModule({
      imports: [PlatformModule.forRoot({ service: 'test', log })],
    }).compile();
    expect(module.get(Log)).toBe(log);
    expect(module.get(OperationsServer)).toBeInstanceOf(OperationsServer);
    await module.close();
  });
});
