import { existsSync, readFileSync } from 'node:fs';
import { inRoot, root } from './paths.mjs';
import { run } from './processes.mjs';

/** Installs what package-lock.json names unless it is there. Works with nothing but Node and npm. */
export async function ensureModules() {
  if (isInstalled()) return;
  console.log('Installing the node modules…');
  // npm is a shell script on some systems and npm.cmd on others; the one that started us is the right one.
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...args] = npm;
  if ((await run(command, [...args, 'ci'], { cwd: root })) === 0) return;
  console.log('npm ci refused the lock file (a registry may lack packages for other platforms); trying npm install.');
  if ((await run(command, [...args, 'install', '--no-save'], { cwd: root })) !== 0) {
    throw new Error('The node modules could not be installed: see the messages of npm above.');
  }
}

/** npm writes this list when it has finished; half an installation has none, or an older one. */
function isInstalled() {
  const list = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const installed = JSON.parse(readFileSync(list, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || entry.peer || installed[path]?.version === entry.version,
  );
}
