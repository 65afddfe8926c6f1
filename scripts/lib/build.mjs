import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, root } from './paths.mjs';
import { run } from './processes.mjs';

const stamp = inRoot('dist', '.sources');
const settings = ['tsconfig.json', 'nest-cli.json', 'package-lock.json', 'scripts/lib/library-bundles.mjs'];

/** Compiles all services, the standalone engine and the CLI into dist/, with the libraries that they load. */
export async function build() {
  const sources = hashOfSources();
  rmSync(stamp, { force: true });
  const nest = inRoot('node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const status = await run(process.execPath, [nest, 'build', '--all'], { cwd: root });
  if (status !== 0) throw new Error('The build failed: see the messages of the compiler above.');
  // Only now: who runs what is built may have no tools to build with.
  const { bundleLibraries } = await import('./library-bundles.mjs');
  await bundleLibraries();
  writeFileSync(stamp, sources);
}

export async function buildIfStale() {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hashOfSources()) return;
  console.log('Building…');
  await build();
}

/** Of contents, not times: a checkout or a copy gives files any time. */
function hashOfSources() {
  const hash = createHash('sha256');
  const files = ['apps', 'libs'].flatMap((folder) => filesUnder(inRoot(folder))).sort();
  for (const file of [...files, ...settings.map((name) => inRoot(name))]) {
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts') && /\.(ts|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
