import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { waitFor } from '@ryax/testing';
import { ActionServer, describeBothServers, type ServedAttempt } from './testing/action-server';

describeBothServers('files of an attempt', (runtime) => {
  let server: ActionServer;
  beforeAll(async () => {
    server = await ActionServer.start(runtime);
  });
  afterAll(() => server.close());

  const queryOf = (attempt: ServedAttempt, more: Record<string, string> = {}) =>
    new URLSearchParams({ ...attempt, attempt: String(attempt.attempt), ...more }).toString();
  const put = (attempt: ServedAttempt, name: string, content: string | Buffer, more: Record<string, string> = {}) =>
    server.ask(`/files/${name}?${queryOf(attempt, more)}`, { method: 'PUT', body: content });
  const get = (attempt: ServedAttempt, path: string) => server.ask(`/files?${queryOf(attempt, { path })}`);
  const placed = async (response: Response): Promise<string> =>
    ((await response.json()) as { readonly path: string }).path;

  it('are put before it begins, and lie where the answer says', async () => {
    const attempt = server.nextAttempt();
    const content = Buffer.from([0, 255, 10, 13]);

    const path = await placed(await put(attempt, '1/a%20%C3%A9.bin', content));
    const script = await placed(await put(attempt, '2/tool.sh', '#!/bin/sh\necho tool\n', { executable: 'true' }));
    const empty = await placed(await put(attempt, '3/empty/', ''));

    expect(path).toMatch(/\/1\/a é\.bin$/);
    expect(await readFile(path)).toEqual(content);
    expect((await stat(empty)).isDirectory()).toBe(true);
    const { log } = await server.run([['shell', script]], attempt);
    expect(log).toBe('tool\n');
  });

  it('may be large, and empty', async () => {
    const attempt = server.nextAttempt();
    const large = Buffer.alloc(20_000_000, 'x');

    expect((await readFile(await placed(await put(attempt, 'large', large)))).equals(large)).toBe(true);
    expect(await readFile(await placed(await put(attempt, 'none', '')), 'utf8')).toBe('');
  });

  it('may have any names, one put after the other or all at once', async () => {
    const attempt = server.nextAttempt();
    const names = ['a.part', 'a', 'partial-1', 'A', 'a.part.part'];
    await put(attempt, names[0] ?? '', names[0] ?? '');

    const paths = await Promise.all(names.map(async (name) => placed(await put(attempt, name, name))));

    expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(names);
  });

  it('are not there before they are whole, nor when the client has gone before that', async () => {
    const attempt = server.nextAttempt();
    const partials = async () => (await readdir(server.path('files'))).filter((name) => name.startsWith('partial'));
    const socket = server.connect();
    socket.write(`PUT /files/broken?${queryOf(attempt)} HTTP/1.1\r\nhost: x\r\n${server.tokenHeader}\r\n`);
    socket.write('content-length: 8\r\n\r\nhalf');
    await waitFor(async () => (await partials()).length === 1, { describe: 'half of a file' });

    socket.destroy();

    await waitFor(async () => (await partials()).length === 0, { describe: 'no trace of it' });
    const begun = await server.post('/invoke', { attempt, inputs: { steps: [] }, files: ['broken'] });
    expect(begun.status).toBe(400);
  });

  it('can be demanded: without one of them nothing begins', async () => {
    const attempt = server.nextAttempt();
    await put(attempt, '1/there', 'x');
    const ask = (files: readonly string[]) => server.post('/invoke', { attempt, inputs: { steps: [] }, files });

    expect((await ask(['1/there', '1/missing'])).status).toBe(400);
    expect(await (await ask(['1/there'])).text()).toContain('outputs');
  });

  it('are gone when another attempt has files', async () => {
    const path = await placed(await put(server.nextAttempt(), 'old', 'x'));

    await put(server.nextAttempt(), 'new', 'x');

    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('cannot be put while an attempt runs', async () => {
    const [attempt, gate] = [server.nextAttempt(), server.path('gate')];
    const answer = await server.invoke(attempt, [['wait', gate]]);

    expect((await put(server.nextAttempt(), 'x', 'x')).status).toBe(409);

    await server.release(gate);
    await answer.result();
  });

  it.each(['..%2Fx', '%2e%2e/%2e%2e/x', 'a/../../x', '/etc/x', 'a//b', '%00', ''])(
    'are not put under the name %s',
    async (name) => {
      // As it is: fetch would follow the dots itself.
      const response = await put(server.nextAttempt(), name.replaceAll('..', '%2e%2e'), 'x');

      expect([400, 404, 405]).toContain(response.status);
    },
  );

  it('are not put through a link that a handler has left', async () => {
    const attempt = server.nextAttempt();
    const path = await placed(await put(attempt, 'd/a', 'x'));
    await symlink(server.folder, path.replace(/a$/, 'out'));

    expect((await put(attempt, 'd/out/b', 'x')).status).toBe(403);
    await expect(stat(server.path('b'))).rejects.toThrow('ENOENT');
  });

  it('are fetched when its outputs name them: by absolute paths, relative ones, and inside values', async () => {
    const attempt = server.nextAttempt();
    const whole = server.path('whole.txt');
    await writeFile(whole, 'whole');
    await writeFile(server.path('action/beside.txt'), 'beside');
    const outputs = { one: whole, two: 'beside.txt', three: [{ $file: `${server.folder}/./whole.txt` }] };

    await server.run([['return', outputs]], attempt);

    expect(await (await get(attempt, whole)).text()).toBe('whole');
    expect(await (await get(attempt, 'beside.txt')).text()).toBe('beside');
    expect((await get(attempt, `${server.folder}/./whole.txt`)).status).toBe(200);
  });

  it('are listed when an output names a directory, and fetched one by one', async () => {
    const attempt = server.nextAttempt();
    const folder = server.path('results');
    await mkdir(`${folder}/deep/none`, { recursive: true });
    await writeFile(`${folder}/deep/b.txt`, 'b');
    await writeFile(`${folder}/a.sh`, '', { mode: 0o654 });

    await server.run([['return', { folder }]], attempt);

    expect(await (await get(attempt, folder)).json()).toEqual({
      kind: 'directory',
      entries: [
        { path: 'a.sh', kind: 'file', size: 0, executable: true },
        { path: 'deep', kind: 'directory' },
        { path: 'deep/b.txt', kind: 'file', size: 1, executable: false },
        { path: 'deep/none', kind: 'directory' },
      ],
    });
    expect(await (await get(attempt, `${folder}/deep/b.txt`)).text()).toBe('b');
    expect(await (await get(attempt, `${folder}/a.sh`)).text()).toBe('');
  });

  it('says what is wrong with a path that an output names', async () => {
    const attempt = server.nextAttempt();
    const [missing, loop] = [server.path('missing'), server.path('loop')];
    await mkdir(loop);
    await symlink(loop, `${loop}/itself`);

    await server.run([['return', { missing, loop, device: '/dev/null' }]], attempt);

    expect((await get(attempt, missing)).status).toBe(404);
    expect((await get(attempt, '/dev/null')).status).toBe(422);
    expect((await get(attempt, loop)).status).toBe(422);
  });

  it('cannot be read where their paths cannot be looked at', async () => {
    const attempt = server.nextAttempt();
    const [file, link] = [server.path('rows.csv'), server.path('link')];
    await writeFile(file, 'rows');
    await symlink(link, link);
    const paths = { link, below: `${file}/x`, long: server.path('n'.repeat(256)) };

    await server.run([['return', paths]], attempt);

    for (const path of Object.values(paths)) {
      const answer = await get(attempt, path);
      expect({ status: answer.status, body: await answer.json() }).toEqual({
        status: 422,
        body: { error: `${path} cannot be read` },
      });
    }
  });

  it('say why they cannot be put, and are not needed by an attempt that has none', async () => {
    const other = await ActionServer.start(runtime, { env: { RYAX_FILES_DIR: '/dev/null/nowhere' } });
    const attempt = other.nextAttempt();

    const refused = await other.ask(`/files/x?${queryOf(attempt)}`, { method: 'PUT', body: 'x' });

    expect({ status: refused.status, body: await refused.json() }).toEqual({
      status: 500,
      body: { error: expect.stringContaining('/dev/null/nowhere') },
    });
    expect(await other.run([], attempt)).toHaveProperty('outputs');
    await other.close();
  });

  it('are nothing else, and nobody else’s', async () => {
    const attempt = server.nextAttempt();
    await server.run([['return', { folder: server.path('action') }]], attempt);

    for (const path of ['/etc/passwd', `${server.path('action')}/../secret`, `${server.path('action')}s`]) {
      expect({ path, status: (await get(attempt, path)).status }).toEqual({ path, status: 403 });
    }
    expect((await get(server.nextAttempt(), server.path('action'))).status).toBe(410);
  });
});
