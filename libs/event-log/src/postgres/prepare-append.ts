import { limits } from '@ryax/contracts';
import { InvalidAppendError, type InvalidAppendReason } from '../errors';
import type { Decision, NewEvent, StreamAppend } from '../event-log';
import { chainHash } from '../hash-chain';
import { isJoinable } from './array-text';

/** A stream's part of a decision, checked, with the hashes of its events. */
export interface PreparedStream extends StreamAppend {
  readonly version: number;
  readonly hash: string;
  readonly hashes: readonly string[];
}

export interface PreparedDecision {
  readonly streams: readonly PreparedStream[];
}

/** Finds whatever would make the database refuse the whole batch on account of one stream. */
export function prepareAppend(decisions: readonly Decision[]): PreparedDecision[] {
  const seen = new Set<string>();
  return decisions.map(({ streams }) => {
    if (streams.length === 0) throw new InvalidAppendError('no-streams', '', 'at least one stream', 'none');
    return { streams: streams.map((stream) => prepareStream(stream, seen)) };
  });
}

function prepareStream(stream: StreamAppend, seen: Set<string>): PreparedStream {
  const { streamId, project, expectedVersion, expectedHash } = stream;
  const fault = seen.has(streamId) ? duplicate : faultOfStream(stream);
  if (fault) throw new InvalidAppendError(fault.reason, streamId, fault.expected, fault.found);
  seen.add(streamId);
  const hashes: string[] = [];
  let hash = expectedHash;
  for (const event of stream.events) {
    const version = expectedVersion + hashes.length + 1;
    const eventFault = faultOfEvent(event);
    if (eventFault) {
      const { reason, expected, found } = eventFault;
      throw new InvalidAppendError(reason, streamId, expected, `${found} in ${event.type}, version ${version}`);
    }
    const { type, schema, data, metadata, recordedAt } = event;
    // Field by field, here and below: made for every event, and a spread leaves ten times as much to be collected.
    hash = chainHash(hash, { streamId, version, project, type, schema, recordedAt, data, metadata });
    hashes.push(hash);
  }
  const { kind, partition, given, events, open, wakeupAt } = stream;
  const version = expectedVersion + hashes.length;
  return {
    streamId,
    project,
    kind,
    partition,
    expectedVersion,
    expectedHash,
    given,
    events,
    open,
    wakeupAt,
    version,
    hash: hash ?? '',
    hashes,
  };
}

interface Fault {
  readonly reason: InvalidAppendReason;
  readonly expected: string;
  readonly found: string;
}

const duplicate: Fault = { reason: 'duplicate-stream', expected: 'a stream once in a batch', found: 'it again' };

/** What an index takes for certain. */
const streamIdBytes = 1_024;
/** Ids, an actor, a trace. A page of events is bounded by the bytes of their data: this must stay small beside them. */
const metadataBytes = 16 * 1024;

function faultOfStream(stream: StreamAppend): Fault | undefined {
  const { streamId, project, kind, given, events, expectedVersion, expectedHash } = stream;
  if (events.length === 0) return { reason: 'no-events', expected: 'at least one event', found: 'none' };
  if ((expectedVersion === 0) !== (expectedHash === null)) {
    const found = `version ${expectedVersion} with hash ${expectedHash}`;
    return { reason: 'hash-does-not-fit', expected: 'a hash with every version but 0', found };
  }
  return (
    tooLarge('id', streamId, streamIdBytes) ??
    notText('id, project and kind', [streamId, project, kind, given?.streamId ?? '']) ??
    notInteger('given.version', given?.version ?? 1, int4) ??
    notInteger('expectedVersion', expectedVersion, int4) ??
    notInteger('partition', stream.partition, int4) ??
    notInteger('wakeupAt', stream.wakeupAt ?? 0)
  );
}

function faultOfEvent({ type, schema, data, metadata, recordedAt }: NewEvent): Fault | undefined {
  return (
    tooLarge('data', data, limits.eventBytes) ??
    tooLarge('metadata', metadata, metadataBytes) ??
    notText('type, data and metadata', [type, data, metadata]) ??
    notJson('data and metadata', [data, metadata]) ??
    notInteger('schema', schema, int4) ??
    notInteger('recordedAt', recordedAt)
  );
}

function tooLarge(what: string, text: string, limit: number): Fault | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return undefined;
  return { reason: 'too-large', expected: `${what} of at most ${limit} bytes`, found: `${bytes} bytes` };
}

function notText(what: string, texts: readonly string[]): Fault | undefined {
  if (texts.every(isStorable)) return undefined;
  return { reason: 'text-not-storable', expected: `${what} in UTF-8 without NUL`, found: 'other characters' };
}

/** Not text that PostgreSQL refuses, or that would be stored as other text. `JSON.stringify` escapes both. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function notJson(what: string, texts: readonly string[]): Fault | undefined {
  if (texts.every(isJoinable)) return undefined;
  return { reason: 'text-not-storable', expected: `${what} as JSON`, found: 'a control character' };
}

const int4 = 2 ** 31 - 1;

function notInteger(what: string, value: number, max: number = Number.MAX_SAFE_INTEGER): Fault | undefined {
  if (Number.isInteger(value) && Math.abs(value) <= max) return undefined;
  return { reason: 'number-out-of-range', expected: `an integer of at most ${max} as ${what}`, found: `${value}` };
}
