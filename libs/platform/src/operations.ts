import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckFailure, Health } from './health';
import type { Metrics } from './metrics';

export interface OperationsAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** The paths that every service answers, whatever serves its HTTP. */
export const operationsPaths = ['/healthz', '/readyz', '/metrics'] as const;
export type OperationsPath = (typeof operationsPaths)[number];

/** What a service answers on one of the paths for those who operate it. */
export async function answerOperations(
  path: OperationsPath,
  health: Health,
  metrics: Metrics,
): Promise<OperationsAnswer> {
  switch (path) {
    case '/healthz':
      return healthAnswer(health.deadParts());
    case '/readyz':
      return readyAnswer(health);
    case '/metrics':
      return { status: 200, contentType: metrics.registry.contentType, body: await metrics.text() };
    default:
      return path satisfies never;
  }
}

async function readyAnswer(health: Health): Promise<OperationsAnswer> {
  const [failures, facts] = await Promise.all([health.unreadyParts(), health.facts.current()]);
  return healthAnswer(failures, facts);
}

function healthAnswer(failures: readonly CheckFailure[], facts: Record<string, unknown> = {}): OperationsAnswer {
  const status = failures.length === 0 ? 200 : 503;
  const verdict = failures.length === 0 ? { status: 'ok' } : { status: 'failing', failures };
  const body = { ...facts, ...verdict };
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}

/** A tiny HTTP server for services that have no REST of their own. */
export class OperationsServer {
  private server: Server | undefined;

  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
  ) {}

  /** Listens and answers the port, which matters when 0 was asked for. */
  async start(port: number, host = '0.0.0.0'): Promise<number> {
    const server = createServer((request, response) => {
      const path = operationsPaths.find((known) => known === request.url?.split('?')[0]);
      if (path === undefined) {
        response.writeHead(404).end();
        return;
      }
      answerOperations(path, this.health, this.metrics).then(
        ({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    this.server = server;
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}
