// node scripts/complete-lock.mjs: after a change of the dependencies. A registry that mirrors only some platforms' packages makes
// npm write a lock file without the others, which the next `npm ci` refuses ("Missing … from lock file"). This adds them:
// version and platform are known from their names; npm asks the registry for the rest on the machine that needs one.
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from './lib/paths.mjs';

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'sunos', 'win32'];
const architectures = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

const path = inRoot('package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = complete(lock.packages);
if (added.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(
  added.length === 0 ? 'package-lock.json is complete.' : `Added to package-lock.json:\n  ${added.join('\n  ')}`,
);

function complete(packages) {
  const added = [];
  for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (isReachable(packages, parent, name)) continue;
      const platform = platformOf(name);
      if (platform === undefined || !/^\d/.test(version)) {
        throw new Error(`Expected ${name}@${version} to be one version for one platform; add it to the lock by hand`);
      }
      packages[`node_modules/${name}`] = { version, ...platform, ...(dev ? { dev } : {}), optional: true };
      added.push(`${name}@${version}`);
    }
  }
  return added;
}

/** As Node looks for it: beside the package that wants it, then in each folder above. */
function isReachable(packages, parent, name) {
  for (let folder = parent; ;) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
    const cut = folder.lastIndexOf('/node_modules/');
    folder = cut < 0 ? '' : folder.slice(0, cut);
  }
}

/** `@swc/core-linux-arm-gnueabihf`: the parts of the name after the scope, in any order. */
function platformOf(name) {
  const parts = name.split('/').at(-1).split('-');
  const os = systems.find((system) => parts.includes(system));
  const cpu = architectures.find((architecture) => parts.includes(architecture));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = parts.some((part) => part.startsWith('musl')) ? 'musl' : 'glibc';
  return { cpu: [cpu], os: [os], ...(os === 'linux' ? { libc: [libc] } : {}) };
}
