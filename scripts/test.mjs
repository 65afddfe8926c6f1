// npm test: everything that all specs need, from a fresh clone on. Arguments go to Jest (`npm test -- libs/broker`), except
// --no-build, which takes dist/ as it is.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureModules } from './lib/modules.mjs';
import { inRoot, root } from './lib/paths.mjs';

const jestArguments = process.argv.slice(2).filter((argument) => argument !== '--no-build');
const mayBuild = jestArguments.length === process.argv.length - 2;

const interruptedStatus = 130;
let interrupted = false;
let jest;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
    // In a terminal Ctrl-C has reached it already, and twice does no harm.
    jest?.kill(signal);
  });
}

try {
  process.exitCode = await test();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function test() {
  await ensureModules();
  // Only now: these need the node modules.
  const { buildIfStale } = await import('./lib/build.mjs');
  const { startTestServers } = await import('./lib/test-servers.mjs');
  if (mayBuild) await buildIfStale();
  console.log('Starting the test servers…');
  const { RYAX_BROKER: broker, RYAX_DATASTORE: datastore } = process.env;
  const servers = await startTestServers({ broker, datastore });
  const scratch = mkdtempSync(join(tmpdir(), 'ryax-counts-'));
  const countsFile = join(scratch, 'counts.json');
  try {
    const status = interrupted ? interruptedStatus : await runJest({ ...servers.env, RYAX_TEST_COUNTS: countsFile });
    if (interrupted) return interruptedStatus;
    const counts = existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : { passed: 0, failed: 1 };
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
    return status;
  } finally {
    await servers.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runJest(serverEnv) {
  // The services under test get their configuration from each spec, not from whoever runs the tests; that one is for the specs.
  const isKept = (name) => !name.startsWith('RYAX_') || name === 'RYAX_FUZZ_CASES';
  const inherited = Object.entries(process.env).filter(([name]) => isKept(name));
  const env = { ...Object.fromEntries(inherited), ...serverEnv };
  const args = [inRoot('node_modules', 'jest', 'bin', 'jest.js'), ...jestArguments];
  return new Promise((resolve, reject) => {
    jest = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
    jest.once('error', reject);
    jest.once('exit', (code) => resolve(code ?? 1));
  });
}
