import { createServer } from 'node:http';
import { join } from 'node:path';
import { startRabbitMq } from './rabbitmq.mjs';

/**
 * Lends brokers that a spec may stop, kill and start again: breaking the common one would break the specs beside it. They
 * belong to the test script, which outlives a crashed spec and ends them.
 *
 *   POST /brokers              one for the caller alone (501 when no RabbitMQ is installed here)
 *   POST /brokers/ID/stop      ?signal=SIGKILL for a crash
 *   POST /brokers/ID/start     same ports, same data
 *   DELETE /brokers/ID         given back; the next caller gets it, running
 */
export async function startControl({ directory, rabbitMq }) {
  const brokers = [];
  const server = createServer((request, response) => {
    answer(request)
      .then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)))
      .catch((error) => response.writeHead(500).end(JSON.stringify({ error: String(error.stack) })));
  });

  async function answer({ method, url }) {
    const { pathname, searchParams } = new URL(url, 'http://control');
    const [, collection, id, action] = pathname.split('/');
    if (collection !== 'brokers') return { status: 404, body: { error: 'unknown path' } };
    if (method === 'POST' && id === undefined) return lend();
    const broker = brokers[Number(id)];
    if (broker === undefined) return { status: 404, body: { error: 'unknown broker' } };
    if (method === 'DELETE') broker.lent = false;
    else if (action === 'stop') await stop(broker, searchParams.get('signal') ?? 'SIGTERM');
    else if (action === 'start') await start(broker);
    else return { status: 404, body: { error: 'unknown action' } };
    return { status: 200, body: describe(broker) };
  }

  async function lend() {
    if (rabbitMq === undefined) return { status: 501, body: { error: 'no RabbitMQ is installed on this machine' } };
    let broker = brokers.find(({ lent }) => !lent);
    if (broker === undefined) {
      broker = { id: brokers.length, lent: true, running: undefined };
      brokers.push(broker);
    }
    broker.lent = true;
    await start(broker);
    return { status: 201, body: describe(broker) };
  }

  async function start(broker) {
    if (broker.running) return;
    const { ports, name } = broker;
    const folder = join(directory, `rabbitmq-${broker.id}`);
    broker.running = await startRabbitMq({ server: rabbitMq, directory: folder, ports, name });
    // The node's name is part of its data: it must come back under the same.
    broker.ports = broker.running.ports;
    broker.name = broker.running.name;
  }

  async function stop(broker, signal) {
    const { running } = broker;
    broker.running = undefined;
    await running?.stop(signal);
  }

  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.all(brokers.map((broker) => stop(broker, 'SIGKILL')));
    },
  };
}

function describe({ id, running }) {
  return { id, url: running?.url, managementUrl: running?.managementUrl };
}
