import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { giveTo, under, type Account } from './account';
import type { PostgresBinaries } from './binaries';

/** Where everything of one embedded server lives. */
export interface Layout {
  readonly root: string;
  readonly data: string;
  readonly password: string;
  readonly log: string;
}

export const superuser = 'ryax';
const initTimeoutMs = 120_000;

export function layoutOf(directory: string): Layout {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Processes are recognised by their working directory, which the kernel tells without symbolic links.
  const root = realpathSync(directory);
  const path = (name: string) => join(root, name);
  return {
    root,
    data: path('data'),
    password: path('password'),
    log: path('postgres.log'),
  };
}

/** Makes the data directory unless it is there; half of one never is: it is made aside and then renamed. */
export async function ensureData(layout: Layout, binaries: PostgresBinaries, account: Account): Promise<void> {
  if (existsSync(layout.data)) {
    refuseOtherVersion(layout.data, binaries);
    giveTo(account, layout.data);
    return;
  }
  const fresh = `${layout.data}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(layout.password, randomBytes(24).toString('base64url'), { mode: 0o600 });
  for (const path of [fresh, layout.password]) giveTo(account, path);

  const { program, args } = under(account, binaries.initdb);
  const options = [
    ...['-D', fresh, '-U', superuser, `--pwfile=${layout.password}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale'],
  ];
  await promisify(execFile)(program, [...args, ...options], { timeout: initTimeoutMs });
  renameSync(fresh, layout.data);
}

export function readPassword(layout: Layout): string {
  return readFileSync(layout.password, 'utf8').trim();
}

function refuseOtherVersion(data: string, binaries: PostgresBinaries): void {
  const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const expected = binaries.version.split('.')[0];
  if (found !== expected) {
    throw new Error(`Expected data of PostgreSQL ${expected} in ${data}, found data of version ${found}`);
  }
}
