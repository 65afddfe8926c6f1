import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePorts } from '../../../scripts/lib/processes.mjs';
import { startServerProcess } from '../lib/server-process.mjs';
import { partitions, serverSettings } from './settings.mjs';

const require = createRequire(import.meta.url);

/** @type {import('../index.mjs').PeerDefinition} */
export const peer = {
  variants: [
    { system: 'restate (call)', mode: 'call' },
    { system: 'restate (run)', mode: 'run' },
  ],
  durability: 'its own log on one node, fsync on (the default); the journal of a run is kept for a day',
  prepareServer: async () => {
    serverProgram();
    return { partitions: String(partitions) };
  },
  startServer,
};

/** The server comes as a package for each platform. */
function serverProgram() {
  return require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
}

async function startServer(directory) {
  const [ingressPort, adminPort, nodePort, workerPort] = await freePorts(4);
  const config = join(directory, 'restate.toml');
  const data = join(directory, 'data');
  mkdirSync(data);
  writeFileSync(config, serverSettings({ ingressPort, adminPort, nodePort }));
  const url = (port) => `http://127.0.0.1:${port}`;
  return startServerProcess({
    command: [serverProgram(), '--no-logo', '--bind-ip', '127.0.0.1', '--config-file', config, '--base-dir', data],
    directory,
    target: { ingress: url(ingressPort), admin: url(adminPort), worker: url(workerPort) },
    isServing: async () =>
      (await isHealthy(`${url(adminPort)}/health`)) && isHealthy(`${url(ingressPort)}/restate/health`),
  });
}

async function isHealthy(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
