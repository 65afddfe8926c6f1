import { startLocalPostgres } from '../../../scripts/lib/local-servers.mjs';
import { runQuietly } from '../../../scripts/lib/processes.mjs';
import { loadTypeScript } from '../../../scripts/lib/typescript.mjs';

/** The version of the PostgreSQL that comes with the product. */
export async function postgresVersion() {
  const { findBinaries } = loadTypeScript('libs', 'platform', 'src', 'embedded-postgres', 'binaries.ts');
  const text = await runQuietly(findBinaries().postgres, ['--version']);
  return text.trim().split(' ').at(-1);
}

/**
 * The very PostgreSQL that the product embeds, with the product's settings.
 * @returns {Promise<import('./server-process.mjs').RunningServer>}
 */
export async function startPostgres(directory) {
  const { url, pid, ended, stop } = await startLocalPostgres(directory);
  return { pid, ended, stop, target: { url } };
}
