import { once } from 'node:events';
import { ActionServer, describeBothServers } from './testing/action-server';

describeBothServers('what is no proper request to the server of an action', (runtime) => {
  let server: ActionServer;
  beforeAll(async () => {
    server = await ActionServer.start(runtime, { env: { RYAX_MAX_BODY_BYTES: '1000' } });
  });
  afterAll(() => server.close());

  const attempt = { run_id: 'r', execution: 'e', attempt: 1 };

  it('is refused, which concerns no later one', async () => {
    const asked: readonly [number, string, RequestInit][] = [
      [404, '/', {}],
      [404, '/ready/../etc/passwd', {}],
      [405, '/invoke', {}],
      [405, '/ready', { method: 'DELETE' }],
      [401, '/invoke', { method: 'POST', body: '{}', headers: { authorization: 'Bearer wrong' } }],
      [401, '/invoke', { method: 'POST', body: '{}', headers: { authorization: '' } }],
      [401, '/cancel', { method: 'POST', body: '{}', headers: { authorization: 'Basic a' } }],
      [401, '/files?path=x', { headers: { authorization: '' } }],
      [400, '/invoke', { method: 'POST', body: '{"attempt":' }],
      [400, '/invoke', { method: 'POST', body: '' }],
      [400, '/invoke', { method: 'POST', body: '[]' }],
      [400, '/invoke', { method: 'POST', body: Buffer.from([0x22, 0xff, 0x22]) }],
      [400, '/invoke', { method: 'POST', body: '{"attempt":{},"inputs":NaN}' }],
      [413, '/invoke', { method: 'POST', body: JSON.stringify({ x: 'x'.repeat(1000) }) }],
      [411, '/invoke', { method: 'POST', body: new Blob(['{}']).stream(), duplex: 'half' }],
    ];
    for (const [status, path, init] of asked) {
      const response = await server.ask(path, init);
      const body: unknown = await response.json();
      expect({ path, init, status: response.status, body }).toEqual({
        path,
        init,
        status,
        body: expect.objectContaining({ error: expect.any(String) }),
      });
    }
    expect(await server.run([])).toHaveProperty('outputs');
  });

  it.each([
    ['no attempt', { inputs: {} }],
    ['an attempt without a number', { attempt: { run_id: 'r', execution: 'e' }, inputs: {} }],
    ['an attempt of number true', { attempt: { ...attempt, attempt: true }, inputs: {} }],
    ['an attempt of number 0', { attempt: { ...attempt, attempt: 0 }, inputs: {} }],
    ['a run without a name', { attempt: { ...attempt, run_id: '' }, inputs: {} }],
    ['inputs that are a list', { attempt, inputs: [] }],
    ['files that are no list of names', { attempt, inputs: {}, files: [1] }],
    ['a negative offset', { attempt, inputs: {}, log_offset: -1 }],
  ])('is %s', async (_, body) => {
    expect((await server.post('/invoke', body)).status).toBe(400);
  });

  it('is an offset beyond the log', async () => {
    const served = server.nextAttempt();
    await server.run([['print', 'x']], served);

    expect((await server.post('/invoke', { attempt: served, log_offset: 3 })).status).toBe(400);
  });

  it('is one that is no HTTP, or breaks off', async () => {
    for (const text of ['nonsense\r\n\r\n', 'POST /invoke HTTP/1.1\r\ncontent-length: 10\r\n\r\n{']) {
      const socket = server.connect();
      socket.end(text);
      socket.resume();
      await once(socket, 'close');
    }

    expect(await server.run([])).toHaveProperty('outputs');
  });
});
