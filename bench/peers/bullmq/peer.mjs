import { freePorts, isOpen } from '../../../scripts/lib/processes.mjs';
import { ensureRedis } from '../lib/install.mjs';
import { startServerProcess } from '../lib/server-process.mjs';

/** @type {import('../index.mjs').PeerDefinition} */
export const peer = {
  variants: [{ system: 'bullmq (fsync always)', mode: 'always' }],
  durability: 'Redis append-only file, fsync before each reply; a queue only, no history of a run',
  prepareServer: async (log) => ({ redis: await ensureRedis(log) }),
  startServer: startRedis,
};

async function startRedis(directory) {
  const [port] = await freePorts(1);
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'always',
    // No snapshots beside the append-only file.
    save: '',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return startServerProcess({
    command: ['redis-server', ...args],
    directory,
    target: { connection: { host: '127.0.0.1', port } },
    isServing: () => isOpen(port),
  });
}
