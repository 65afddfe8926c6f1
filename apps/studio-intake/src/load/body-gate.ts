import type { FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '@ryax/contracts';
import { binaryContentTypes } from '../binary-body';

/**
 * Bounds the bodies that are held in memory at once, from before they are read until they are answered. One is always let
 * in, however large, so that nothing that is allowed by itself is refused for ever.
 */
export class BodyGate {
  private held = 0;

  constructor(private readonly limitBytes: number) {}

  /** Whether the request may be read. */
  enter({ headers }: FastifyRequest, { raw }: FastifyReply): boolean {
    const bytes = bodyBytes(headers);
    if (bytes === 0) return true;
    if (this.held > 0 && this.held + bytes > this.limitBytes) return false;
    this.held += bytes;
    // Also when the caller leaves before it is answered.
    raw.once('close', () => (this.held -= bytes));
    return true;
  }
}

/** What is uploaded is streamed, not held. */
function bodyBytes(headers: FastifyRequest['headers']): number {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (binaryContentTypes.some((binary) => binary === type)) return 0;
  if (headers['transfer-encoding'] !== undefined) return limits.bodyBytes;
  const length = Number(headers['content-length'] ?? 0);
  return Number.isFinite(length) ? Math.min(length, limits.bodyBytes) : limits.bodyBytes;
}
