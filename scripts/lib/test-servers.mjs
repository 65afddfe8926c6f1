import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControl } from './control.mjs';
import { ensureRabbitMq } from './install-rabbitmq.mjs';
import { findRabbitMq, startRabbitMq } from './rabbitmq.mjs';
import { loadTypeScript } from './typescript.mjs';

/**
 * Starts the servers that the specs need, each unless one is given, on free ports with folders of their own.
 * Answers the variables under which libs/testing finds them.
 */
export async function startTestServers({ broker, datastore }) {
  const directory = mkdtempSync(join(tmpdir(), 'ryax-test-'));
  const running = [];
  const stop = async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const [brokerEnv, datastoreUrl] = await allOrFirstFailure([
      broker ? givenBroker(broker) : ownBroker(directory, running),
      datastore ?? ownPostgres(directory, running),
    ]);
    const control = await startControl({ directory, rabbitMq: findRabbitMq() });
    running.push(control);
    const env = { ...brokerEnv, RYAX_TEST_POSTGRES: datastoreUrl, RYAX_TEST_CONTROL: control.url };
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownBroker(directory, running) {
  const broker = await startRabbitMq({ server: await ensureRabbitMq(), directory: join(directory, 'rabbitmq') });
  // Its data is thrown away: no need to wait for an orderly end, which takes six seconds.
  running.push({ stop: () => broker.stop('SIGKILL') });
  return { RYAX_TEST_BROKER: broker.url, RYAX_TEST_BROKER_MANAGEMENT: broker.managementUrl };
}

/** Each spec gets a virtual host of its own, which only the management interface can make. */
async function givenBroker(url) {
  const management = new URL(url.replace(/^amqps?:/, 'http:'));
  management.port = '15672';
  management.pathname = '/';
  const given = process.env.RYAX_BROKER_MANAGEMENT || management.href.replace(/\/$/, '');
  const { username, password, origin } = new URL(given);
  const authorization = `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
  const answer = await fetch(`${origin}/api/overview`, {
    headers: { authorization },
    signal: AbortSignal.timeout(10_000),
  }).catch((error) => ({ ok: false, status: error.message }));
  if (!answer.ok) {
    throw new Error(
      `The tests make virtual hosts on the broker in RYAX_BROKER, but its management interface at ${origin} did not ` +
        `let us in (${answer.status}). Enable it (rabbitmq-plugins enable rabbitmq_management), or say where it is: ` +
        'RYAX_BROKER_MANAGEMENT=http://user:password@host:15672',
    );
  }
  return { RYAX_TEST_BROKER: url, RYAX_TEST_BROKER_MANAGEMENT: given };
}

async function ownPostgres(directory, running) {
  const { startEmbeddedPostgres } = loadTypeScript('libs', 'platform', 'src', 'embedded-postgres', 'index.ts');
  const postgres = await startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    settings: { max_connections: '300', max_prepared_transactions: '10' },
  });
  running.push(postgres);
  return postgres.url;
}

/** Like Promise.all, but a failure waits for the others, so that what they started can be stopped. */
async function allOrFirstFailure(promises) {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
  return outcomes.map(({ value }) => value);
}
