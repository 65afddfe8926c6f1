import { readdir } from 'node:fs/promises';
import { waitFor } from '@ryax/testing';
import { ActionServer, describeBothServers, type ServedAction, type ServedAttempt } from './testing/action-server';

describeBothServers('an action’s server that many attempts use, one after the other', (runtime) => {
  const servers: ActionServer[] = [];
  const start = async (served: ServedAction = {}) => {
    const server = await ActionServer.start(runtime, served);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  const told = async (answer: Promise<Response>) => {
    const response = await answer;
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
  };
  const execution = (server: ActionServer) => told(server.ask('/execution'));
  const claim = (server: ActionServer, owner: unknown) => told(server.post('/claim', { owner }));
  const settle = (server: ActionServer, attempt: ServedAttempt) => told(server.post('/settle', { attempt }));

  it('says which attempt it runs or has ended last, and what its client has said of it', async () => {
    const server = await start();
    expect((await execution(server)).body).toMatchObject({ execution: null });

    const attempt = server.nextAttempt();
    const gate = server.path('gate');
    const answer = await server.invoke(attempt, [['wait', gate]], { origin: { reply_partition: 3 } });
    const running = { attempt, origin: { reply_partition: 3 }, status: 'running' };
    expect((await execution(server)).body).toMatchObject({ execution: running });
    await server.release(gate);
    await answer.result();
    expect((await execution(server)).body).toMatchObject({ execution: { ...running, status: 'ended' } });
  });

  it('says for how long it has run, until its end', async () => {
    const server = await start();
    const gate = server.path('gate');
    const answer = await server.invoke(server.nextAttempt(), [['wait', gate]]);
    const ranMs = async () => ((await execution(server)).body['execution'] as { readonly ran_ms: number }).ran_ms;
    const first = await ranMs();
    expect(first).toBeGreaterThanOrEqual(0);
    await waitFor(async () => (await ranMs()) > first, { describe: 'the time to go on' });
    await server.release(gate);
    const { duration_ms } = await answer.result();
    expect(await ranMs()).toBe(duration_ms);
  });

  it('lets only who has claimed it begin attempts, and everybody attach', async () => {
    const server = await start();
    expect(await claim(server, 'first')).toMatchObject({ status: 200, body: { execution: null } });
    const attempt = server.nextAttempt();
    await (await server.invoke(attempt, [], { owner: 'first' })).result();

    expect(await claim(server, 'second')).toMatchObject({ body: { execution: { attempt, status: 'ended' } } });
    for (const owner of ['first', undefined]) {
      const refused = await server.post('/invoke', { attempt: server.nextAttempt(), inputs: {}, owner });
      expect(refused.status).toBe(409);
    }
    expect(await (await server.attach(attempt, 0)).result()).toHaveProperty('outputs');
    expect(await (await server.invoke(server.nextAttempt(), [], { owner: 'second' })).result()).toHaveProperty(
      'outputs',
    );
  });

  it('keeps nothing of an attempt that is settled, files included', async () => {
    const server = await start();
    const attempt = server.nextAttempt();
    const query = `run_id=${attempt.run_id}&execution=${attempt.execution}&attempt=${attempt.attempt}`;
    await server.ask(`/files/1/rows.csv?${query}`, { method: 'PUT', body: 'rows' });
    await (await server.invoke(attempt, [])).result();
    expect(await readdir(server.path('files'))).toHaveLength(1);

    expect(await settle(server, attempt)).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect(await readdir(server.path('files'))).toEqual([]);
    expect((await execution(server)).body).toMatchObject({ execution: null });
    expect((await server.post('/invoke', { attempt, log_offset: 0 })).status).toBe(410);
    expect(await settle(server, attempt)).toMatchObject({ status: 410 });
  });

  it('leaves the files of the next attempt where they are when the one before is settled', async () => {
    const server = await start();
    const [before, next] = [server.nextAttempt(), server.nextAttempt()];
    await (await server.invoke(before, [])).result();
    const query = `run_id=${next.run_id}&execution=${next.execution}&attempt=${next.attempt}`;
    await server.ask(`/files/1/rows.csv?${query}`, { method: 'PUT', body: 'rows' });
    await settle(server, before);
    expect(await (await server.invoke(next, [], { files: ['1/rows.csv'] })).result()).toHaveProperty('outputs');
  });

  it('does not settle what runs', async () => {
    const server = await start();
    const attempt = server.nextAttempt();
    const answer = await server.invoke(attempt, [['wait', server.path('gate')]]);
    expect(await settle(server, attempt)).toMatchObject({ status: 409 });
    await server.release(server.path('gate'));
    expect(await answer.result()).toHaveProperty('outputs');
  });

  it('refuses an owner or an origin that is none', async () => {
    const server = await start();
    expect((await claim(server, 7)).status).toBe(400);
    expect((await claim(server, undefined)).status).toBe(400);
    const attempt = server.nextAttempt();
    expect((await server.post('/invoke', { attempt, inputs: {}, origin: 'x' })).status).toBe(400);
  });

  it('ends by itself when nobody has asked for anything for so long, and not while a result is not settled', async () => {
    const server = await start({ env: { RYAX_IDLE_SECONDS: '3' } });
    const attempt = server.nextAttempt();
    const askedAtMs = performance.now();
    await (await server.invoke(attempt, [])).result();
    await waitFor(() => performance.now() - askedAtMs > 3_700, { describe: 'more than the idle time' });
    expect(server.hasEnded).toBe(false);
    await settle(server, attempt);
    await waitFor(() => server.hasEnded, { describe: 'the server to end' });
    expect(await server.stop()).toBe(0);
  });

  it('may be told to wait for longer than a timer can count', async () => {
    const server = await start({ env: { RYAX_IDLE_SECONDS: '3000000' } });
    expect(await server.run([])).toHaveProperty('outputs');
    expect(server.output).not.toContain('TimeoutOverflowWarning');
  });
});
