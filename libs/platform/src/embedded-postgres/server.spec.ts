import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { queryDatabase, waitFor } from '@ryax/testing';
import { packageRoot } from '../package-root';
import { linkLibraries } from './binaries';
import { DirectoryInUse, startEmbeddedPostgres } from './index';
import { isAlive, processesOf } from './processes';

// Each test makes and starts a server or two, beside other specs that do.
jest.setTimeout(60_000);

const isRoot = process.getuid?.() === 0;

describe('the embedded PostgreSQL', () => {
  let directory: string;
  const owners: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ryax-embedded-'));
  });
  afterEach(() => {
    for (const owner of owners.splice(0)) owner.kill('SIGKILL');
    for (const pid of processesOf(join(directory, 'data'))) process.kill(pid, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it('keeps its data from one start to the next', async () => {
    const first = await startEmbeddedPostgres({ directory });
    await queryDatabase(first.url, 'CREATE TABLE t AS SELECT 1 AS n');
    await first.stop();
    await first.ended;

    const second = await startEmbeddedPostgres({ directory });

    expect(await queryDatabase(second.url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);
    await second.stop();
  });

  it('takes settings, but none that would lose a commit', async () => {
    const settings = { max_connections: '42', fsync: 'off', synchronous_commit: 'off' };
    const server = await startEmbeddedPostgres({ directory, settings });
    const sql =
      "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'max_connections', 'synchronous_commit') ORDER BY name";
    expect(await queryDatabase(server.url, sql)).toEqual([{ setting: 'on' }, { setting: '42' }, { setting: 'on' }]);
    await server.stop();
  });

  it('lets nobody in without its password', async () => {
    const server = await startEmbeddedPostgres({ directory });
    const url = new URL(server.url);
    url.password = 'guess';
    await expect(queryDatabase(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    expect(lstatSync(join(directory, 'password')).mode & 0o077).toBe(0);
    await server.stop();
  });

  it('refuses a directory whose owner lives, and names it', async () => {
    const server = await startEmbeddedPostgres({ directory });
    const error: unknown = await startEmbeddedPostgres({ directory }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DirectoryInUse);
    expect(error).toMatchObject({ pid: process.pid });
    expect(await queryDatabase(server.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await server.stop();
  });

  it('makes the data anew when the first start was cut short', async () => {
    mkdirSync(join(directory, 'data.new'));
    writeFileSync(join(directory, 'data.new', 'half'), '');
    const server = await startEmbeddedPostgres({ directory });
    await server.stop();
    expect(existsSync(join(directory, 'data', 'half'))).toBe(false);
  });

  it('refuses data of another version', async () => {
    mkdirSync(join(directory, 'data'));
    writeFileSync(join(directory, 'data', 'PG_VERSION'), '12\n');
    await expect(startEmbeddedPostgres({ directory })).rejects.toThrow(/Expected data of PostgreSQL \d+ .* version 12/);
  });

  it('is not held up by a stale file that names the process of another program', async () => {
    const server = await startEmbeddedPostgres({ directory });
    await server.stop();
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    owners.push(bystander);
    await once(bystander, 'spawn');
    writeFileSync(join(directory, 'data', 'postmaster.pid'), `${bystander.pid}\n`);

    const again = await startEmbeddedPostgres({ directory });

    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    await again.stop();
  });

  const isolations = isRoot ? (['namespace', 'nobody'] as const) : (['none'] as const);
  it.each(isolations)(
    'runs as an unprivileged user (%s), also on data that another way has made',
    async (isolation) => {
      const before = await startEmbeddedPostgres({ directory });
      await before.stop();
      const server = await startEmbeddedPostgres({ directory, isolation });
      expect(await queryDatabase(server.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
      await server.stop();
    },
  );

  describe('after kill -9 of its owner', () => {
    async function startOwned(env: Record<string, string> = {}) {
      const owner = spawn(process.execPath, ['--input-type=module', '-e', ownerScript(), directory], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      owners.push(owner);
      const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
      const server = JSON.parse(line) as { url: string; pid: number };
      const kill = async () => {
        owner.kill('SIGKILL');
        await waitFor(() => owner.signalCode !== null);
      };
      return { ...server, kill };
    }

    it('goes with it, where the kernel tells it', async () => {
      const { pid, kill } = await startOwned();
      await kill();
      await waitFor(() => !isAlive(pid), { describe: 'the orphan to end' });
    });

    it('starts again with what was committed', async () => {
      const { url, kill } = await startOwned();
      await queryDatabase(url, 'CREATE TABLE t AS SELECT 1 AS n');
      await kill();

      const server = await startEmbeddedPostgres({ directory });

      expect(await queryDatabase(server.url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);
      await server.stop();
    });

    it('ends an orphan that nobody told, even one that was stopped', async () => {
      const { url, pid, kill } = await startOwned({ PATH: pathWithoutSetpriv(directory) });
      await queryDatabase(url, 'CREATE TABLE t AS SELECT 1 AS n');
      await kill();
      expect(isAlive(pid)).toBe(true);
      process.kill(pid, 'SIGSTOP');

      const server = await startEmbeddedPostgres({ directory });

      expect(isAlive(pid)).toBe(false);
      expect(await queryDatabase(server.url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);
      await server.stop();
    });

    it('ends a busy backend whose postmaster was killed, too', async () => {
      const { url, pid, kill } = await startOwned();
      const busy = queryDatabase(url, 'SELECT count(*) FROM generate_series(1, 1000000000000)').catch(() => 'ended');
      const active =
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()";
      const backend = await waitFor(async () => (await queryDatabase<{ pid: number }>(url, active))[0]?.pid);
      process.kill(pid, 'SIGKILL');
      await kill();
      expect(isAlive(backend)).toBe(true);

      const server = await startEmbeddedPostgres({ directory });

      expect(isAlive(backend)).toBe(false);
      expect(await busy).toBe('ended');
      await server.stop();
    });
  });
});

describe('linkLibraries', () => {
  it('makes the links that an install script would have made, once', () => {
    const root = mkdtempSync(join(tmpdir(), 'ryax-links-'));
    mkdirSync(join(root, 'native', 'lib'), { recursive: true });
    writeFileSync(join(root, 'native', 'lib', 'libpq.so.5.18'), 'library');
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
    writeFileSync(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links));

    linkLibraries(root);
    linkLibraries(root);

    expect(readFileSync(join(root, 'native', 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
    rmSync(root, { recursive: true });
  });
});

/** An engine reduced to its PostgreSQL: starts it, says where, and lives until it is killed. */
function ownerScript(): string {
  const loader = join(packageRoot(__dirname), 'scripts', 'lib', 'typescript.mjs');
  return `
    import { loadTypeScript } from ${JSON.stringify(loader)};
    const { startEmbeddedPostgres } = loadTypeScript('libs', 'platform', 'src', 'embedded-postgres', 'index.ts');
    const { url, pid } = await startEmbeddedPostgres({ directory: process.argv[1] });
    console.log(JSON.stringify({ url, pid }));
    setInterval(() => undefined, 60_000);
  `;
}

/** Without setpriv there is no parent-death signal: as on macOS, or on a system without util-linux. */
function pathWithoutSetpriv(directory: string): string {
  const folder = join(directory, 'bin');
  mkdirSync(folder);
  for (const program of ['unshare', 'true']) {
    const found = ['/usr/bin', '/bin'].map((place) => join(place, program)).find((path) => existsSync(path));
    if (found) symlinkSync(found, join(folder, program));
  }
  return folder;
}
