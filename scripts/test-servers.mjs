// node scripts/test-servers.mjs: only the servers that the specs need, kept until Ctrl-C, for use beside `npx jest --watch`.
import { ensureModules } from './lib/modules.mjs';

await ensureModules();
const { startTestServers } = await import('./lib/test-servers.mjs');

const { env, stop } = await startTestServers({
  broker: process.env.RYAX_BROKER,
  datastore: process.env.RYAX_DATASTORE,
});
for (const [name, value] of Object.entries(env)) console.log(`export ${name}='${value}'`);

// Keeps the process alive: children and sockets alone would do, but a reader should not have to know.
const heartbeat = setInterval(() => undefined, 60_000);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    clearInterval(heartbeat);
    stop().then(
      () => process.exit(0),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
