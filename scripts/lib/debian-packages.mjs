import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { hasProgram, runQuietly } from './processes.mjs';

const policy = '/usr/sbin/policy-rc.d';

/** Only root on Debian or Ubuntu can have packages of the system installed by a script. */
export function canInstallDebianPackages() {
  return process.getuid?.() === 0 && hasProgram('apt-get');
}

/** Installs a package without starting the service that it may bring. */
export async function installDebianPackage(name) {
  await withoutServiceStart(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const install = ['install', '--yes', '--no-install-recommends', name];
    // The lists of a fresh image are empty or old; a lock is held for a while by whatever installs on boot.
    const options = ['-o', 'DPkg::Lock::Timeout=120', '-q'];
    // One broken source of packages makes `update` fail although the one that matters was read.
    await runQuietly('apt-get', [...options, 'update'], { env }).catch((error) => console.warn(error.message));
    await runQuietly('apt-get', [...options, ...install], { env });
  });
}

/** A server's package starts a system service on its usual port when it is installed; Debian asks this file first. */
async function withoutServiceStart(install) {
  const ours = !existsSync(policy);
  if (ours) {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
  }
  try {
    await install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}
