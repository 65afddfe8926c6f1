import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A response that is written as things happen, no faster than its reader reads. */
export class LiveResponse {
  private gone = false;

  constructor(
    request: FastifyRequest,
    private readonly reply: FastifyReply,
    contentType: string,
  ) {
    request.raw.once('close', () => (this.gone = true));
    reply.raw.once('close', () => (this.gone = true));
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': contentType,
      'cache-control': 'no-cache, no-transform',
      // Proxies must not gather what is meant to be seen at once.
      'x-accel-buffering': 'no',
    });
    reply.raw.flushHeaders();
  }

  /** The reader has left. */
  get isGone(): boolean {
    return this.gone;
  }

  async write(text: string): Promise<void> {
    if (this.gone || this.reply.raw.write(text)) return;
    const left = new AbortController();
    this.reply.raw.once('close', () => left.abort());
    await once(this.reply.raw, 'drain', { signal: left.signal }).catch(() => undefined);
  }

  end(): void {
    this.reply.raw.end();
  }
}
