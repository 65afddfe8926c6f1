import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { hasProgram, runQuietly } from './processes.mjs';
import { findRabbitMq } from './rabbitmq.mjs';

const policy = '/usr/sbin/policy-rc.d';

/** Answers the path of a RabbitMQ server, after installing it where that is possible; throws with what to do where not. */
export async function ensureRabbitMq() {
  const found = findRabbitMq();
  if (found) return found;
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) {
    throw new Error(
      [
        'RabbitMQ is missing, and only root on Debian or Ubuntu can have it installed by this script. Either',
        '  - install it:  sudo apt-get install rabbitmq-server   (macOS: brew install rabbitmq), or',
        '  - give one:    RYAX_BROKER=amqp://user:password@host:5672/ (with its management plugin) in the environment.',
      ].join('\n'),
    );
  }
  console.log('Installing rabbitmq-server (Debian package)…');
  await withoutServiceStart(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const install = ['install', '--yes', '--no-install-recommends', 'rabbitmq-server'];
    // The lists of a fresh image are empty or old; a lock is held for a while by whatever installs on boot.
    const options = ['-o', 'DPkg::Lock::Timeout=120', '-q'];
    // One broken source of packages makes `update` fail although the one that matters was read.
    await runQuietly('apt-get', [...options, 'update'], { env }).catch((error) => console.warn(error.message));
    await runQuietly('apt-get', [...options, ...install], { env });
  });
  const installed = findRabbitMq();
  if (!installed) throw new Error('rabbitmq-server was installed, but its program was not found');
  return installed;
}

/** The package starts a system service on port 5672 when it is installed; Debian asks this file first. */
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
