import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canInstallDebianPackages, installDebianPackage } from '../../../scripts/lib/debian-packages.mjs';
import { hasProgram, runQuietly } from '../../../scripts/lib/processes.mjs';

const peers = fileURLToPath(new URL('..', import.meta.url));

/** Where a peer's folder is. */
export const inPeer = (name, ...parts) => join(peers, name, ...parts);

/**
 * Installs what the peer's package.json names, unless it is there. Answers name → installed version.
 * @param {string} name of the peer
 * @param {(line: string) => void} log
 */
export async function ensurePackages(name, log) {
  const wanted = readJson(inPeer(name, 'package.json')).dependencies;
  if (!isInstalled(name, wanted)) {
    log(`Installing the packages of ${name}…`);
    // Whoever runs us through npm has told which npm it is; elsewhere the one in PATH is the right one.
    const [command, ...args] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
    // Exact versions stand in package.json. A lock file would name the packages of one platform only.
    const install = ['install', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
    await runQuietly(command, [...args, ...install], {
      cwd: inPeer(name),
      env: { ...process.env, SCARF_ANALYTICS: 'false' },
    });
    if (!isInstalled(name, wanted)) throw new Error(`npm install succeeded, but the packages of ${name} are not there`);
  }
  return { ...wanted };
}

/** The version of an installed package of a peer; undefined when it is not there. */
export function installedVersion(peer, packageName) {
  const path = inPeer(peer, 'node_modules', packageName, 'package.json');
  return existsSync(path) ? readJson(path).version : undefined;
}

/** npm writes its hidden lock file when it has finished: half an installation has none. */
function isInstalled(name, wanted) {
  if (!existsSync(inPeer(name, 'node_modules', '.package-lock.json'))) return false;
  return Object.entries(wanted).every(([dependency, version]) => installedVersion(name, dependency) === version);
}

/**
 * The Node for a peer: ours where that is new enough, which makes the comparison the fairest, otherwise the one of `node22`.
 * @returns {Promise<{ path: string, version: string }>}
 */
export async function ensureNode(peer, log) {
  const required = readJson(inPeer(peer, 'package.json')).engines?.node ?? '>=0';
  if (isAtLeast(process.versions.node, required.replace('>=', ''))) {
    return { path: process.execPath, version: process.versions.node };
  }
  await ensurePackages('node22', log);
  const path = inPeer('node22', 'node_modules', 'node', 'bin', 'node');
  const version = (await runQuietly(path, ['--version'])).trim().replace('v', '');
  return { path, version };
}

function isAtLeast(version, minimum) {
  const [has, needs] = [version, minimum].map((text) => text.split('.').map(Number));
  const differs = needs.findIndex((part, index) => part !== has[index]);
  return differs === -1 || has[differs] > needs[differs];
}

/** Has redis-server installed where that is possible, and answers its version. */
export async function ensureRedis(log) {
  if (!hasProgram('redis-server')) {
    if (!canInstallDebianPackages()) {
      throw new Error(
        'redis-server is missing, and only root on Debian or Ubuntu can have it installed by this script',
      );
    }
    log('Installing redis-server (Debian package)…');
    await installDebianPackage('redis-server');
  }
  const text = await runQuietly('redis-server', ['--version']);
  return /v=(\S+)/.exec(text)?.[1] ?? text.trim();
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
