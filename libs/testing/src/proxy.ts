import { createServer, connect, type Server, type Socket } from 'node:net';
import { freePort } from '@ryax/platform';

/** Stands between a client and a server so that a spec can break the line, which the server would not do by itself. */
export interface Proxy {
  readonly port: number;
  /** Resets every open connection; new ones are let through. */
  cut(): void;
  /** Cuts, and lets nobody through until `open`. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** Lets connections stand but passes nothing on: a peer that has gone silent. */
  freeze(): void;
  thaw(): void;
}

/** A running proxy in front of the server of that url, closed after the tests; `urlOf` gives the url that leads through it. */
export function useProxy(target: () => string): Proxy & { readonly url: string } {
  let proxy: Proxy | undefined;
  const get = () => {
    if (!proxy) throw new Error('useProxy has nothing yet: use it inside a test or a later beforeAll');
    return proxy;
  };
  beforeAll(async () => {
    proxy = await startProxy(target());
  });
  afterAll(() => proxy?.close());
  return {
    get port() {
      return get().port;
    },
    get url() {
      return through(get(), target());
    },
    cut: () => get().cut(),
    close: () => get().close(),
    open: () => get().open(),
    freeze: () => get().freeze(),
    thaw: () => get().thaw(),
  };
}

export function through(proxy: Proxy, targetUrl: string): string {
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return url.href;
}

const defaultPorts: Readonly<Record<string, number>> = { 'amqp:': 5672, 'amqps:': 5671, 'postgres:': 5432 };

export async function startProxy(targetUrl: string): Promise<Proxy> {
  const { hostname, port, protocol } = new URL(targetUrl);
  const targetPort = Number(port) || (defaultPorts[protocol] ?? 80);
  const sockets = new Set<Socket>();
  let frozen = false;

  const accept = (client: Socket) => {
    const upstream = connect({ host: hostname, port: targetPort, noDelay: true });
    client.setNoDelay(true);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (chunk) => {
        if (!other.write(chunk)) socket.pause();
      });
      other.on('drain', () => !frozen && socket.resume());
      socket.on('end', () => other.end());
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      if (frozen) socket.pause();
    }
  };

  let server: Server | undefined;
  // It is listened on again after each `close`: nobody may be given it meanwhile.
  const listeningPort = await freePort();
  const open = async () => {
    if (server) return;
    const fresh = createServer(accept);
    server = fresh;
    await new Promise<void>((resolve, reject) => {
      fresh.once('error', reject).listen(listeningPort, '127.0.0.1', resolve);
    });
  };
  const cut = () => sockets.forEach((socket) => socket.resetAndDestroy());
  const close = async () => {
    const closing = server;
    server = undefined;
    if (!closing) return;
    await new Promise<void>((resolve) => {
      closing.close(() => resolve());
      cut();
    });
  };
  const setFrozen = (value: boolean) => {
    frozen = value;
    sockets.forEach((socket) => (value ? socket.pause() : socket.resume()));
  };

  await open();
  return {
    get port() {
      return listeningPort;
    },
    cut,
    close,
    open,
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
  };
}
