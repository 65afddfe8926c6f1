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
  const { streamId, version, project, type, schema, recordedAt, data, metadata } = event;
  return hashOf([previous ?? '', streamId, `${version}`, project, type, `${schema}`, `${recordedAt}`, data, metadata]);
}

/** Each event's bytes are put together in the same place: texts joined for it would be most of what an append leaves to be collected. */
const scratch = Buffer.allocUnsafe(64 * 1024);
/** `<length in bytes>:` and `,` */
const mostFrameBytes = 12;
const mostBytesOfUnit = 3;

function hashOf(texts: readonly string[]): string {
  let most = 0;
  for (const text of texts) most += mostFrameBytes + mostBytesOfUnit * text.length;
  const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  let end = 0;
  for (const text of texts) end = writeNetstring(bytes, end, text);
  return hash('sha256', bytes.subarray(0, end), 'hex');
}

function writeNetstring(into: Buffer, at: number, text: string): number {
  const length = Buffer.byteLength(text);
  const begin = at + into.write(`${length}:`, at, 'latin1');
  const end = begin + into.write(text, begin);
  return end + into.write(',', end, 'latin1');
}
