// npm run demo: from a fresh clone to a workflow that has run on real data. Starts the engine, deploys examples/earthquakes, runs it
// with live progress, and shows what became of it and how to look at it again. With `-- --site kubernetes [--image IMAGE]` it is
// examples/pods, whose actions run as pods on the cluster of KUBECONFIG.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareCluster } from './lib/cluster.mjs';
import { Engine, runningEngine } from './lib/engine.mjs';
import { ensureModules } from './lib/modules.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { freePorts, hasEnded } from './lib/processes.mjs';

const interruptedStatus = 130;
const example = 'examples/earthquakes';
const { values: options } = parseArgs({
  options: {
    site: { type: 'string', default: 'local' },
    image: { type: 'string', default: 'busybox:1.36' },
    'no-build': { type: 'boolean', default: false },
  },
});
let dataDirectory = resolve(root, process.env.RYAX_DATA_DIR || '.ryax');

let engine;
/** Of a demo on a cluster: gone after it. */
let temporaryFolder;
/** The command that runs now. */
let command;
let stopping;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // In a terminal Ctrl-C has reached it already, and twice does no harm.
    command?.kill('SIGINT');
    void finish(interruptedStatus);
  });
}

try {
  await finish(await demo());
} catch (error) {
  if (!stopping) {
    console.error(`\n${error.message}`);
    if (engine?.logTail.length) console.error(`\nThe engine's last words:\n${engine.logTail.join('\n')}`);
  }
  await finish(1);
}

async function demo() {
  if (!['local', 'kubernetes'].includes(options.site)) {
    throw new Error(`Expected --site local or --site kubernetes, found ${options.site}`);
  }
  await ensureModules();
  // Only now: it needs the node modules.
  const { buildIfStale } = await import('./lib/build.mjs');
  if (options.site === 'kubernetes') return demoOnCluster(buildIfStale);
  if (!options['no-build']) await buildIfStale();
  const ryax = cliFor(await engineUrl());

  await ryax(['deploy', example]);
  const { run_id: runId } = JSON.parse(
    await ryax(['run', 'earthquakes', '--label', 'from=demo', '--json'], { capture: true }),
  );
  console.log(`Run ${runId}\n`);
  const status = await ryax(['watch', runId], { mayFail: true });
  await ryax(['show', runId]);
  if (status !== 0) throw new Error('The run has not succeeded.');

  const folder = join(dataDirectory, 'results', runId);
  const results = JSON.parse(await ryax(['results', runId, '--download', folder, '--json'], { capture: true }));
  readFileSync(results.chart); // it is there
  console.log(`
Chart    ${results.chart}
Report   ${results.report}

One of the regions has too few earthquakes for a fit. Its action said so, and the workflow says on_failure: continue.
All of it is kept. To see it again:

  npm start                            in one terminal${process.env.RYAX_DATA_DIR ? ', with RYAX_DATA_DIR as it is now' : ''}
  npx ryax history ${runId}
  npx ryax logs ${runId} fit.0
  npx ryax run ${example} --input min_events=20 --watch
`);
  return 0;
}

/** An engine here, with data of its own, whose actions run there. */
async function demoOnCluster(buildIfStale) {
  const cluster = await prepareCluster(options.image);
  temporaryFolder = cluster.folder;
  dataDirectory = join(cluster.folder, 'data');
  console.log(`Actions run as pods of ${options.image} in the namespace ${cluster.namespace} of ${cluster.server}`);
  if (!options['no-build']) await buildIfStale();
  const ryax = cliFor(await startedEngineUrl({ RYAX_SITE_CONFIG: cluster.siteFile }));
  await ryax(['deploy', cluster.workflow]);
  const { run_id: runId } = JSON.parse(await ryax(['run', 'pods', '--json'], { capture: true }));
  console.log(`Run ${runId}\n`);
  const status = await ryax(['watch', runId], { mayFail: true });
  await ryax(['show', runId]);
  if (status !== 0) {
    throw new Error(
      `The run has not succeeded. Its pods: kubectl get pods -n ${cluster.namespace} -l ryax.tech/run=${runId}`,
    );
  }
  await ryax(['logs', runId, 'measure.0']);
  await ryax(['results', runId]);
  return 0;
}

/** Of the engine that holds the data already, or of one that is started for the demo. */
async function engineUrl() {
  const running = await runningEngine(dataDirectory);
  if (running !== undefined) {
    console.log(`Using the engine that runs at ${running}`);
    return running;
  }
  return startedEngineUrl({});
}

async function startedEngineUrl(variables) {
  const [port] = await freePorts(1);
  // A demo has no tokens to give.
  const env = { ...process.env, ...variables };
  delete env.RYAX_JWT_SECRET_KEY;
  engine = new Engine({ dataDirectory, port, env });
  process.stdout.write('Starting the engine… ');
  await engine.start();
  console.log(`it runs at ${engine.url}, its data is in ${relative(process.cwd(), dataDirectory) || dataDirectory}`);
  return engine.url;
}

/** `ryax …` against this engine. With `capture` it answers what was printed, with `mayFail` the exit status. */
function cliFor(url) {
  const main = inRoot('dist', 'apps', 'cli', 'src', 'main.js');
  return (args, { capture = false, mayFail = false } = {}) => {
    if (stopping) return new Promise(() => undefined);
    console.log(`\n$ ryax ${args.join(' ')}`);
    const stdio = ['ignore', capture ? 'pipe' : 'inherit', 'inherit'];
    const child = spawn(process.execPath, [main, ...args], {
      cwd: root,
      stdio,
      env: { ...process.env, RYAX_URL: url },
    });
    command = child;
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (printed += text));
    return new Promise((answer, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        const engineEnd = engine !== undefined && hasEnded(engine.child) ? ' The engine has ended.' : '';
        if (code === 0 || mayFail) answer(capture ? printed : code);
        else reject(new Error(`ryax ${args[0]} ended with ${code}.${engineEnd}`));
      });
    });
  };
}

function finish(status) {
  stopping ??= (async () => {
    if (engine !== undefined) console.log('Stopping the engine…');
    await engine?.stop();
    if (temporaryFolder !== undefined) rmSync(temporaryFolder, { recursive: true, force: true });
    process.exit(status);
  })();
  return stopping;
}
