// npm start: the whole engine in one process, from a fresh clone on. REST on RYAX_HTTP_PORT (8000), data under RYAX_DATA_DIR (.ryax).
import { resolve } from 'node:path';
import { Engine, runningEngine } from './lib/engine.mjs';
import { ensureModules } from './lib/modules.mjs';
import { root } from './lib/paths.mjs';
import { isOpen } from './lib/processes.mjs';

const dataDirectory = resolve(root, process.env.RYAX_DATA_DIR || '.ryax');
const port = Number(process.env.RYAX_HTTP_PORT || 8000);
const engine = new Engine({ dataDirectory, port, onLog: (line) => console.log(line) });
let stopping;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void finish(0));

try {
  await start();
} catch (error) {
  if (!stopping) console.error(error.message);
  await finish(1);
}

async function start() {
  await ensureModules();
  // Only now: it needs the node modules.
  const { buildIfStale } = await import('./lib/build.mjs');
  if (!process.argv.includes('--no-build')) await buildIfStale();
  const other = await runningEngine(dataDirectory);
  if (other !== undefined) {
    throw new Error(
      `An engine runs on ${dataDirectory} already, at ${other}. Give this one data of its own: RYAX_DATA_DIR=… npm start`,
    );
  }
  if (await isOpen(port)) throw new Error(`Port ${port} is taken. Choose another: RYAX_HTTP_PORT=8001 npm start`);
  if (stopping) return;
  await engine.start();
  console.log(
    `\nRyax runs at ${engine.url}   documentation: ${engine.url}/docs   data: ${dataDirectory}   Ctrl-C stops it\n`,
  );
  const end = await engine.ended;
  if (!stopping) throw new Error(`The engine ended with ${end}.`);
}

function finish(status) {
  stopping ??= engine.stop().finally(() => process.exit(status));
  return stopping;
}
