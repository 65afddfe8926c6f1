import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { codeOf } from './errors';

/**
 * Below the ports that systems give to outgoing connections, which may take one between our look and its use; and below the one
 * that pods with files serve them on (29741).
 */
const listeningPorts = { from: 10_240, to: 29_741 } as const;
const attempts = 100;

/** A port of this machine on which nobody listens now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(listeningPorts.from, listeningPorts.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`Expected a free port from ${listeningPorts.from} to ${listeningPorts.to}, found none`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) => (codeOf(error) === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}
