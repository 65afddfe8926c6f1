import { waitFor } from './wait-for';

/** What a spec does to a broker from outside, through RabbitMQ's management interface. */
export interface VirtualHost {
  readonly name: string;
  /** Of AMQP, with user and password. */
  readonly url: string;
  queues(): Promise<readonly QueueFacts[]>;
  /**
   * Empties every queue but those that are exclusive to a connection, which only that may touch. What consumers already
   * hold unacknowledged stays theirs. Those named are spared: of somebody who is not under test.
   */
  purgeAllQueues(spared?: readonly string[]): Promise<void>;
  deleteQueue(name: string): Promise<void>;
  deleteAllQueues(): Promise<void>;
  /** The broker lists a connection only some time after it was opened: waits until there are `atLeast` so many. */
  connections(atLeast?: number): Promise<readonly ConnectionFacts[]>;
  /** Closes every connection from the broker's side (CONNECTION_FORCED), once there are `atLeast` so many. */
  closeAllConnections(atLeast?: number): Promise<void>;
  drop(): Promise<void>;
}

export interface QueueFacts {
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly type?: string;
  /** Ready and unacknowledged together, as of now. */
  readonly messages: number;
}

export interface ConnectionFacts {
  readonly name: string;
  /** Seconds between heartbeats, as agreed; 0 for none. */
  readonly timeout: number;
}

export async function createVirtualHost(brokerUrl: string, managementUrl: string, name: string): Promise<VirtualHost> {
  const call = caller(managementUrl);
  const host = encodeURIComponent(name);
  const { username } = new URL(managementUrl);
  await call('PUT', `vhosts/${host}`);
  await call('PUT', `permissions/${host}/${username}`, { configure: '.*', write: '.*', read: '.*' });

  const url = new URL(brokerUrl);
  url.pathname = `/${host}`;
  const queues = () =>
    call('GET', `queues/${host}?disable_stats=true&enable_queue_totals=true`) as Promise<QueueFacts[]>;
  const forEachQueue = async (path: string, spared: readonly string[] = []) => {
    const shared = (await queues()).filter((queue) => !queue.exclusive && !spared.includes(queue.name));
    const names = shared.map((queue) => encodeURIComponent(queue.name));
    await Promise.all(names.map((queue) => call('DELETE', `queues/${host}/${queue}${path}`)));
  };
  const connections = (atLeast = 1) =>
    waitFor(
      async () => {
        const listed = (await call('GET', `vhosts/${host}/connections`)) as ConnectionFacts[];
        return listed.length >= atLeast && listed;
      },
      { describe: `${atLeast} connections to ${name}`, intervalMs: 100 },
    );
  return {
    name,
    url: url.href,
    queues,
    purgeAllQueues: (spared) => forEachQueue('/contents', spared),
    deleteQueue: async (queue) => {
      await call('DELETE', `queues/${host}/${encodeURIComponent(queue)}`);
    },
    deleteAllQueues: () => forEachQueue(''),
    connections,
    closeAllConnections: async (atLeast) => {
      const open = await connections(atLeast);
      await Promise.all(open.map((connection) => call('DELETE', `connections/${encodeURIComponent(connection.name)}`)));
    },
    drop: async () => {
      await call('DELETE', `vhosts/${host}`);
    },
  };
}

const timeoutMs = 15_000;

function caller(managementUrl: string) {
  const { origin, username, password } = new URL(managementUrl);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  return async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${origin}/api/${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    // 404: it has gone meanwhile (an exclusive queue, a closed connection), which is what a deletion wants.
    if (!response.ok && !(method === 'DELETE' && response.status === 404)) {
      throw new Error(
        `Expected ${method} ${path} of the broker's management to succeed, found ${response.status} ${text}`,
      );
    }
    return response.ok && text !== '' ? JSON.parse(text) : undefined;
  };
}
