import { randomUUID } from 'node:crypto';
import { testServer } from './environment';
import { createVirtualHost, type VirtualHost } from './management';
import { startProxy, through } from './proxy';

export type { QueueFacts, VirtualHost } from './management';

/** A fresh virtual host on the test broker, dropped after the tests of the calling `describe`. */
export function useTestBroker(): VirtualHost {
  let host: VirtualHost | undefined;
  beforeAll(async () => {
    host = await createTestBroker();
  });
  afterAll(() => host?.drop());
  return lazily(() => host, 'useTestBroker');
}

/** For a spec that wants one for each test. */
export function createTestBroker(): Promise<VirtualHost> {
  return createVirtualHost(
    testServer('RYAX_TEST_BROKER'),
    testServer('RYAX_TEST_BROKER_MANAGEMENT'),
    `test-${randomUUID()}`,
  );
}

export interface BreakableBroker extends VirtualHost {
  /** In order: durable queues and persistent messages are kept. */
  stop(): Promise<void>;
  /** As by kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  restart(): Promise<void>;
}

/** RabbitMQ takes five to ten seconds to start, and longer beside other specs. */
const startTimeoutMs = 120_000;

/**
 * A broker for the calling `describe` alone, to be stopped, killed and started again on the same port. Where only a given broker
 * exists (RYAX_BROKER, no RabbitMQ installed) it is that one behind a line that can be cut: clients see the same, but what
 * is transient survives.
 */
export function useBreakableBroker(): BreakableBroker {
  let lent: Lent | undefined;
  let host: VirtualHost | undefined;
  const get = () => {
    if (!lent) throw new Error('useBreakableBroker has nothing yet: use it inside a test or a later beforeAll');
    return lent;
  };
  beforeAll(async () => {
    lent = (await borrowBroker()) ?? (await lineToGivenBroker());
    host = await createVirtualHost(lent.url, lent.managementUrl, `test-${randomUUID()}`);
  }, startTimeoutMs);
  afterAll(async () => {
    await lent?.start();
    await host?.drop();
    await lent?.giveBack();
  }, startTimeoutMs);
  return Object.assign(
    lazily(() => host, 'useBreakableBroker'),
    {
      stop: async () => {
        await get().stop('SIGTERM');
      },
      kill: async () => {
        await get().stop('SIGKILL');
      },
      start: async () => {
        await get().start();
      },
      restart: async () => {
        await get().stop('SIGTERM');
        await get().start();
      },
    },
  );
}

interface Lent {
  readonly url: string;
  readonly managementUrl: string;
  stop(signal: NodeJS.Signals): Promise<unknown>;
  start(): Promise<unknown>;
  giveBack(): Promise<unknown>;
}

async function borrowBroker(): Promise<Lent | undefined> {
  const control = testServer('RYAX_TEST_CONTROL');
  const call = async (method: string, path: string) => {
    const response = await fetch(`${control}/brokers${path}`, { method, signal: AbortSignal.timeout(startTimeoutMs) });
    const body = (await response.json()) as { id: number; url: string; managementUrl: string; error?: string };
    if (response.status === 501) return undefined;
    if (!response.ok) throw new Error(`Expected the test script to ${method} a broker, found ${body.error}`);
    return body;
  };
  const broker = await call('POST', '');
  if (!broker) return undefined;
  const { id, url, managementUrl } = broker;
  return {
    url,
    managementUrl,
    stop: (signal) => call('POST', `/${id}/stop?signal=${signal}`),
    start: () => call('POST', `/${id}/start`),
    giveBack: () => call('DELETE', `/${id}`),
  };
}

async function lineToGivenBroker(): Promise<Lent> {
  const target = testServer('RYAX_TEST_BROKER');
  const proxy = await startProxy(target);
  return {
    url: through(proxy, target),
    managementUrl: testServer('RYAX_TEST_BROKER_MANAGEMENT'),
    stop: () => proxy.close(),
    start: () => proxy.open(),
    giveBack: () => proxy.close(),
  };
}

/** The fixture exists when the file is read, the virtual host only when its tests run. */
function lazily(host: () => VirtualHost | undefined, fixture: string): VirtualHost {
  const get = () => {
    const value = host();
    if (!value) throw new Error(`${fixture} has nothing yet: use it inside a test or a later beforeAll`);
    return value;
  };
  const lazy: VirtualHost = {
    get name() {
      return get().name;
    },
    get url() {
      return get().url;
    },
    queues: () => get().queues(),
    purgeAllQueues: (spared) => get().purgeAllQueues(spared),
    deleteQueue: (queue) => get().deleteQueue(queue),
    deleteAllQueues: () => get().deleteAllQueues(),
    connections: (atLeast) => get().connections(atLeast),
    closeAllConnections: (atLeast) => get().closeAllConnections(atLeast),
    drop: () => get().drop(),
  };
  return lazy;
}
