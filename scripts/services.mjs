// npm run services [-- --replicas runner=2,executor=2]: the four services as processes of their own, over the broker and database
// that RYAX_BROKER and RYAX_DATASTORE name, or over a local RabbitMQ and PostgreSQL that are installed and started here.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureModules } from './lib/modules.mjs';
import { root } from './lib/paths.mjs';

const { values: options } = parseArgs({ options: { replicas: { type: 'string' }, 'no-build': { type: 'boolean' } } });

/** What has been started, in the order in which it is stopped. */
const stops = [];
let stopping;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void finish(0));

try {
  await start();
} catch (error) {
  console.error(error.message);
  await finish(1);
}

async function start() {
  await ensureModules();
  // Only now: these need the node modules.
  const { buildIfStale } = await import('./lib/build.mjs');
  const { Services, parseReplicas } = await import('./lib/services.mjs');
  const { startLocalPostgres, startLocalRabbitMq } = await import('./lib/local-servers.mjs');
  const replicas = parseReplicas(options.replicas);
  if (!options['no-build']) await buildIfStale();

  const dataDirectory = resolve(root, process.env.RYAX_DATA_DIR || '.ryax');
  const httpPort = process.env.RYAX_HTTP_PORT || '8000';
  const datastore = await given('RYAX_DATASTORE', 'PostgreSQL', () => startLocalPostgres(dataDirectory));
  const broker = await given('RYAX_BROKER', 'RabbitMQ', () => startLocalRabbitMq(dataDirectory));

  const services = new Services({
    httpPort,
    env: {
      ...process.env,
      RYAX_BROKER: broker,
      RYAX_DATASTORE: datastore,
      RYAX_DATA_DIR: dataDirectory,
      RYAX_HTTP_PORT: httpPort,
    },
    onGivenUp: (reason) => {
      console.error(reason);
      void finish(1);
    },
  });
  stops.unshift(() => services.stop());
  await services.start(replicas);
  if (stopping) return;
  console.log('');
  for (const { label, pid, readyUrl } of services.describe()) {
    console.log(`${label.padEnd(18)} pid ${String(pid).padEnd(8)} ${readyUrl}`);
  }
  console.log(
    `\nREST: http://127.0.0.1:${httpPort}/v1   documentation: http://127.0.0.1:${httpPort}/docs   Ctrl-C stops all`,
  );
}

/** The url that the environment gives, or that of a server which is started here and stopped after the services. */
async function given(variable, name, startLocal) {
  if (process.env[variable]) return process.env[variable];
  console.log(`${variable} is not set: starting a local ${name}…`);
  const server = await startLocal();
  stops.unshift(() => server.stop());
  return server.url;
}

function finish(status) {
  stopping ??= (async () => {
    console.log('Stopping…');
    let outcome = status;
    for (const stop of stops) {
      await stop().catch((error) => {
        console.error(error.message);
        outcome = 1;
      });
    }
    process.exit(outcome);
  })();
  return stopping;
}
