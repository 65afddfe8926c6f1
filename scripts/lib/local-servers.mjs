import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ensureRabbitMq } from './install-rabbitmq.mjs';
import { startRabbitMq } from './rabbitmq.mjs';
import { loadTypeScript } from './typescript.mjs';

/** A PostgreSQL whose data stays in `<data directory>/postgres`. */
export async function startLocalPostgres(dataDirectory) {
  const { startEmbeddedPostgres } = loadTypeScript('libs', 'platform', 'src', 'embedded-postgres', 'index.ts');
  return startEmbeddedPostgres({ directory: join(dataDirectory, 'postgres'), settings: { max_connections: '200' } });
}

/** A RabbitMQ whose data stays in `<data directory>/rabbitmq`. */
export async function startLocalRabbitMq(dataDirectory) {
  const { takeDirectory } = loadTypeScript('libs', 'platform', 'src', 'embedded-postgres', 'directory-lock.ts');
  const { endAll, processesOf } = loadTypeScript('libs', 'platform', 'src', 'embedded-postgres', 'processes.ts');
  const server = await ensureRabbitMq();
  mkdirSync(join(dataDirectory, 'rabbitmq', 'home'), { recursive: true, mode: 0o700 });
  const directory = realpathSync(join(dataDirectory, 'rabbitmq'));
  const giveBack = takeDirectory(directory);
  try {
    // What a killed script left behind may still be ending; two brokers on one folder would ruin its messages.
    const leftovers = () => processesOf(join(directory, 'home'));
    await endAll(leftovers, [
      ['SIGTERM', 15_000],
      ['SIGKILL', 5_000],
    ]);
    // The node's name is part of its data. Its port mapper is its own, so it need not be unique on this machine.
    const broker = await startRabbitMq({ server, directory, name: 'ryax' });
    return {
      ...broker,
      stop: async (signal) => {
        await broker.stop(signal);
        giveBack();
      },
    };
  } catch (error) {
    giveBack();
    throw error;
  }
}
