import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '@ryax/platform';
import { describeWithPython } from '../../process/testing/launcher-fixture';

const program = join(packageRoot(__dirname), 'runtimes/python3/files_server.py');
const attempt = 'run_id=r&execution=e&attempt=1';

describeWithPython('the server of the files of a command', () => {
  let folder: string;
  let server: ChildProcess | undefined;
  let port: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryax-files-server-'));
    await mkdir(join(folder, 'run'));
    await mkdir(join(folder, 'cwd'));
    await writeFile(join(folder, 'secret'), 'not shared');
  });
  afterEach(async () => {
    server?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  async function start(takesFiles: boolean): Promise<void> {
    const env = {
      PATH: process.env['PATH'],
      RYAX_TOKEN: 'token',
      RYAX_HOST: '127.0.0.1',
      RYAX_PORT: '0',
      RYAX_FILES_DIR: join(folder, 'run'),
      RYAX_SHARED_DIRS: `${join(folder, 'run')}:${join(folder, 'cwd')}`,
      RYAX_WORK_DIR: join(folder, 'cwd'),
      RYAX_TAKES_FILES: String(takesFiles),
    };
    server = spawn('python3', [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout === null) throw new Error('Expected an output');
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    port = (JSON.parse(line) as { readonly port: number }).port;
  }

  /** Paths as they are: `fetch` would tidy them up. */
  async function ask(method: string, path: string, body = '', token = 'token') {
    const headers = { authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(body) };
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { readonly statusCode: number }];
    let text = '';
    for await (const piece of answer) text += String(piece);
    return { status: answer.statusCode, text };
  }

  it('puts files where it is told to, and ends well when it is told that all are there', async () => {
    await start(true);
    const put = await ask('PUT', `/files/1/rows%20of.csv?${attempt}`, 'rows');
    expect(put.status).toBe(201);
    expect(await readFile(join(folder, 'run/1/rows of.csv'), 'utf8')).toBe('rows');
    const ended = server && once(server, 'exit');
    expect((await ask('POST', '/end', '{}')).status).toBe(200);
    expect((await ended)?.[0]).toBe(0);
  });

  it.each([
    ['/files/../cwd/x', 400],
    ['/files/1/../../x', 400],
    ['/files/1/%2e%2e/%2e%2e/x', 400],
    ['/files/%2Fetc%2Fx', 400],
    ['/files/a%00b', 400],
    ['/files/link/x', 403],
  ])('puts nothing outside of its folder: %s is %d', async (path, status) => {
    await symlink(join(folder, 'cwd'), join(folder, 'run/link'));
    await start(true);
    expect((await ask('PUT', `${path}?${attempt}`, 'x')).status).toBe(status);
    await expect(readFile(join(folder, 'cwd/x'))).rejects.toThrow('ENOENT');
  });

  it.each(['../secret', '/etc/passwd', 'link', 'out/deep', '../run/../secret'])(
    'gives out nothing that is not shared: %s is 403',
    async (path) => {
      await symlink(join(folder, 'secret'), join(folder, 'cwd/link'));
      await symlink(folder, join(folder, 'cwd/out'));
      await mkdir(join(folder, 'deep'));
      await start(false);
      const answer = await ask('GET', `/files?${attempt}&path=${encodeURIComponent(path)}`);
      expect(answer).toMatchObject({ status: 403 });
      expect(answer.text).not.toContain('not shared');
    },
  );

  it('gives out what is shared, links within it followed, and says where outputs are', async () => {
    await writeFile(join(folder, 'run/outputs.json'), '{}');
    await writeFile(join(folder, 'cwd/out'), 'out');
    await symlink('out', join(folder, 'cwd/link'));
    await start(false);
    expect(await ask('GET', `/files?${attempt}&path=link`)).toEqual({ status: 200, text: 'out' });
    expect(JSON.parse((await ask('GET', '/outputs')).text)).toEqual({
      path: join(folder, 'run/outputs.json'),
      bytes: 2,
      cwd: join(folder, 'cwd'),
    });
  });

  it.each(['loop', 'rows.csv/x', 'n'.repeat(256)])(
    'says of a path that cannot be looked at that it cannot be read: %s',
    async (path) => {
      await symlink('loop', join(folder, 'cwd/loop'));
      await writeFile(join(folder, 'cwd/rows.csv'), 'rows');
      await start(false);
      const answer = await ask('GET', `/files?${attempt}&path=${path}`);
      expect(answer.status).toBe(422);
      expect(JSON.parse(answer.text)).toEqual({ error: `${path} cannot be read` });
    },
  );

  it('takes nothing and does not end beside the command: who asks for that has not heard that it has begun', async () => {
    await start(false);
    expect((await ask('PUT', `/files/1/x?${attempt}`, 'x')).status).toBe(410);
    expect((await ask('POST', '/end', '{}')).status).toBe(410);
    expect((await ask('GET', '/outputs')).status).toBe(200);
  });

  it('does nothing for who has not its token', async () => {
    await start(true);
    for (const [method, path] of [
      ['PUT', `/files/x?${attempt}`],
      ['GET', `/files?${attempt}&path=x`],
      ['GET', '/outputs'],
      ['POST', '/end'],
    ] as const) {
      expect((await ask(method, path, '', 'another')).status).toBe(401);
    }
  });
});
