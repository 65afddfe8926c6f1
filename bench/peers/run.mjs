// node bench/peers/run.mjs [peer …] [--quick] [--workloads W1,W2] [--repeats 3] [--json]
// measures other engines alone; figures go to stdout, everything else to stderr.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureModules } from '../../scripts/lib/modules.mjs';
import { inRoot } from '../../scripts/lib/paths.mjs';

await ensureModules();
const { openPeer, peerNames, peerWorkloads, PeerUnavailableError } = await import('./index.mjs');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    workloads: { type: 'string', default: peerWorkloads.join(',') },
    repeats: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const workloads = options.workloads.split(',');
const unknown = workloads.find((name) => !peerWorkloads.includes(name));
if (unknown !== undefined) throw new Error(`Expected workloads of ${peerWorkloads.join(', ')}, found "${unknown}"`);

// Not in the system's folder for temporary files: that may lie in memory, where durability costs nothing.
mkdirSync(inRoot('.ryax'), { recursive: true, mode: 0o700 });
const directory = mkdtempSync(inRoot('.ryax', 'peers-'));
let current;
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    isStopping = true;
    process.exitCode = 1;
    // What is being measured fails then, and says so below.
    void current?.close();
  });
}

try {
  for (const name of positionals.length > 0 ? positionals : peerNames) {
    if (!isStopping) await measurePeer(name);
  }
} catch (error) {
  console.error(isStopping ? 'Stopped.' : error.message);
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measurePeer(name) {
  try {
    current = await openPeer(name, { directory: join(directory, name), log: (line) => console.error(line) });
  } catch (error) {
    if (!(error instanceof PeerUnavailableError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
    return;
  }
  console.error(`${name}: ${JSON.stringify(current.versions)}; ${current.durability}`);
  try {
    for (let repeat = 1; repeat <= Number(options.repeats) && !isStopping; repeat += 1) {
      for (const row of await current.measure({ workloads, quick: options.quick })) print(row);
    }
  } finally {
    await current.close();
  }
}

function print(row) {
  if (options.json) {
    console.log(JSON.stringify(row));
    return;
  }
  const { system, workload, metric, value, unit } = row;
  console.log(`${system.padEnd(30)} ${workload.padEnd(8)} ${metric.padEnd(24)} ${String(value).padStart(10)} ${unit}`);
}
