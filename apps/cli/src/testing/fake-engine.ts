import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a route does; `body` has been read. */
export type Route = (asked: Asked, response: ServerResponse) => void;

/** An HTTP server that answers as it is told to, and remembers what it was asked. Routes are `METHOD /path`, without the query. */
export async function startFakeEngine(routes: Readonly<Record<string, Route>>) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      asked.push(one);
      const route = routes[`${one.method} ${one.path.split('?')[0] ?? ''}`];
      if (route === undefined) return json({ error: `no route ${one.path}`, details: [] }, 404)(one, response);
      return route(one, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

export function json(body: unknown, status = 200): Route {
  return (_asked, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}
