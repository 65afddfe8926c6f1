import { hash } from 'node:crypto';

/** What the hash of an event covers: everything but its position, which the database gives it. */
export interface ChainedEvent {
  readonly streamId: string;
  readonly version: number;
  readonly project: string;
  readonly type: string;
  readonly schema: number;
  readonly recordedAt: number;
  readonly data: string;
  readonly metadata: string;
}

/**
 * Hash of an event, chained to that of its predecessor (null for the first): SHA-256, in hexadecimal digits, over
 * these fields in this order, each as a netstring (`<length in bytes>:<UTF-8 bytes>,`), so that no two different
 * events have the same bytes. Never change it: exported logs are verified by it.
 */
export function chainHash(previous: string | null, event: ChainedEvent): string {
  const bytes =
    netstring(previous ?? '') +
    netstring(event.streamId) +
    netstring(String(event.version)) +
    netstring(event.project) +
    netstring(event.type) +
    netstring(String(event.schema)) +
    netstring(String(event.recordedAt)) +
    netstring(event.data) +
    netstring(event.metadata);
  return hash('sha256', bytes, 'hex');
}

function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}
