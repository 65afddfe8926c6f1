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
/** Shorter ones are written byte by byte: a call into Buffer takes as long. */
const longestByHand = 64;
const [zero, colon, comma] = [...Buffer.from('0:,')] as [number, number, number];

function hashOf(texts: readonly string[]): string {
  let most = 0;
  for (const text of texts) most += mostFrameBytes + mostBytesOfUnit * text.length;
  const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  let end = 0;
  for (const text of texts) end = writeNetstring(bytes, end, text);
  return hash('sha256', bytes.subarray(0, end), 'hex');
}

function writeNetstring(into: Buffer, at: number, text: string): number {
  let end = text.length > longestByHand ? undefined : writeAscii(into, writeLength(into, at, text.length), text);
  end ??= writeAny(into, at, text);
  into[end] = comma;
  return end + 1;
}

/** Undefined where it is not ASCII. */
function writeAscii(into: Buffer, at: number, text: string): number | undefined {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return undefined;
    into[at + index] = code;
  }
  return at + text.length;
}

function writeAny(into: Buffer, at: number, text: string): number {
  const begin = writeLength(into, at, Buffer.byteLength(text));
  return begin + into.write(text, begin);
}

function writeLength(into: Buffer, at: number, length: number): number {
  const end = writeDigits(into, at, length);
  into[end] = colon;
  return end + 1;
}

function writeDigits(into: Buffer, at: number, number: number): number {
  const end = number < 10 ? at : writeDigits(into, at, Math.floor(number / 10));
  into[end] = zero + (number % 10);
  return end + 1;
}
