import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../free-port';
import { chooseAccount, under, type Account, type Isolation } from './account';
import { findBinaries, type PostgresBinaries } from './binaries';
import { ensureData, layoutOf, readPassword, superuser, type Layout } from './data-directory';
import { takeDirectory } from './directory-lock';
import { endLeftovers, readPostmasterFile } from './leftovers';
import { endAll, isAlive } from './processes';

export interface EmbeddedPostgresOptions {
  /** Where its data, password and log live, for instance `<RYAX_DATA_DIR>/postgres`; made when absent, reused when there. */
  readonly directory: string;
  /** Left out or 0: a free one, another at each start. */
  readonly port?: number;
  /** Further settings, `-c name=value`; they win over ours except for durability. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How root's server becomes somebody else; found out by itself. */
  readonly isolation?: Isolation;
}

export interface EmbeddedPostgres {
  /** With user and password; its database is `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster. */
  readonly pid: number;
  /** Resolves when the server has ended, whether asked to or not. */
  readonly ended: Promise<void>;
  /** Ends sessions, writes a checkpoint, gives the directory back. May be called again. */
  stop(): Promise<void>;
}

const startDeadlineMs = 180_000; // Recovery after a crash replays the log; it is progress, not a hang.
const sharedMemoryPatienceMs = 30_000;
const pollMs = 10;
const maxLogBytes = 10 * 1024 * 1024;

/** An acknowledged commit survives the loss of power. Never weakened, whatever `settings` says. */
const durability = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };

/**
 * Starts a real PostgreSQL of our own on 127.0.0.1, durable, without a service, an account or anything else of the system.
 * Whatever an earlier engine left in the directory after a crash is ended first; data is reused.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const layout = layoutOf(options.directory);
  const giveBack = takeDirectory(layout.root);
  try {
    const binaries = findBinaries();
    const account = chooseAccount(options.isolation);
    await endLeftovers(layout);
    await ensureData(layout, binaries, account);
    const { child, port } = await startReady(layout, binaries, account, options);
    return describe(layout, child, port, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts, and again where a dying process of an earlier server still holds the shared memory. */
async function startReady(
  layout: Layout,
  binaries: PostgresBinaries,
  account: Account,
  options: EmbeddedPostgresOptions,
): Promise<Started> {
  const giveUpAt = performance.now() + sharedMemoryPatienceMs;
  for (;;) {
    const port = options.port || (await freePort());
    const child = launch(layout, binaries, account, port, options.settings);
    const fault = await waitUntilReady(child, layout);
    if (fault === undefined) return { child, port };
    if (!fault.includes('shared memory block') || performance.now() > giveUpAt) {
      throw new Error(`Expected PostgreSQL to start in ${layout.root}, found:\n${fault}`);
    }
    await wait(500);
  }
}

function launch(
  layout: Layout,
  binaries: PostgresBinaries,
  account: Account,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): ChildProcess {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // The default is the shared temporary folder, where others could be in the way.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...settings,
    ...durability,
  };
  const { program, args } = under(account, binaries.postgres);
  const options = ['-D', layout.data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  keepLogShort(layout.log);
  // A file, not a pipe: a pipe would die with us and take the server's next line down. A group of its own, so that
  // Ctrl-C in the terminal reaches the engine alone, which then stops it in order.
  const log = openSync(layout.log, 'a', 0o600);
  try {
    return spawn(program, [...args, ...options], { stdio: ['ignore', log, log], detached: true });
  } finally {
    closeSync(log);
  }
}

/** Answers nothing once it takes connections, or what its log says if it ended instead. */
async function waitUntilReady(child: ChildProcess, layout: Layout): Promise<string | undefined> {
  const logStart = existsSync(layout.log) ? statSync(layout.log).size : 0;
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const deadline = performance.now() + startDeadlineMs;
  while (performance.now() < deadline) {
    const file = readPostmasterFile(layout.data);
    if (file?.pid === child.pid && file?.status === 'ready') return undefined;
    if (failure) return failure.message;
    if (child.exitCode !== null || child.signalCode !== null) {
      return readFileSync(layout.log).subarray(logStart).toString().trim() || `exit ${child.exitCode}`;
    }
    await wait(pollMs);
  }
  child.kill('SIGKILL');
  return `not ready after ${startDeadlineMs} ms; see ${layout.log}`;
}

function describe(layout: Layout, child: ChildProcess, port: number, giveBack: () => void): EmbeddedPostgres {
  const { pid } = child;
  if (pid === undefined) throw new Error('Expected a process id of PostgreSQL, found none');
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      giveBack();
      resolve();
    };
    if (isAlive(pid)) child.once('exit', end);
    else end();
  });
  const stop = async () => {
    await endAll(
      () => (isAlive(pid) ? [pid] : []),
      [
        ['SIGINT', 30_000],
        ['SIGQUIT', 5_000],
        ['SIGKILL', 5_000],
      ],
    );
    await ended;
  };
  const url = `postgres://${superuser}:${readPassword(layout)}@127.0.0.1:${port}/postgres`;
  return { url, port, pid, ended, stop };
}

function keepLogShort(path: string): void {
  if (existsSync(path) && statSync(path).size > maxLogBytes) renameSync(path, `${path}.1`);
}
