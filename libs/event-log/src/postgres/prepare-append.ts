import { limits } from '@ryax/contracts';
import { InvalidAppendError, type InvalidAppendReason } from '../errors';
import type { Decision, NewEvent, StreamAppend } from '../event-log';
import { chainHash } from '../hash-chain';

/** A stream's part of a decision, checked, with the hashes of its events. */
export interface PreparedStream extends StreamAppend {
  readonly version: number;
  readonly hash: string;
  readonly hashes: readonly string[];
}

export interface PreparedDecision {
  readonly streams: readonly PreparedStream[];
}

/** Finds everything that would make the database refuse the whole batch on account of one stream. */
export function prepareAppend(decisions: readonly Decision[]): PreparedDecision[] {
  const seen = new Set<string>();
  return decisions.map(({ streams }) => {
    if (streams.length === 0) refuse('no-streams', '', 'Expected a decision on at least one stream, found none');
    return {
      streams: streams.map((stream) => {
        if (seen.has(stream.streamId)) {
          refuse('duplicate-stream', stream.streamId, `Expected ${stream.streamId} once in a batch, found it again`);
        }
        seen.add(stream.streamId);
        return prepareStream(stream);
      }),
    };
  });
}

function prepareStream(stream: StreamAppend): PreparedStream {
  checkStream(stream);
  const hashes: string[] = [];
  let hash = stream.expectedHash;
  let version = stream.expectedVersion;
  for (const event of stream.events) {
    version += 1;
    checkEvent(stream.streamId, version, event);
    hash = chainHash(hash, { ...event, version, streamId: stream.streamId, project: stream.project });
    hashes.push(hash);
  }
  if (hash === null) refuse('no-events', stream.streamId, `Expected events for ${stream.streamId}, found none`);
  return { ...stream, version, hash, hashes };
}

function checkStream({ streamId, events, expectedVersion, expectedHash, ...stream }: StreamAppend): void {
  if (events.length === 0) refuse('no-events', streamId, `Expected events for ${streamId}, found none`);
  if ((expectedVersion === 0) !== (expectedHash === null)) {
    refuse(
      'missing-hash',
      streamId,
      `Expected a hash with version ${expectedVersion} of ${streamId}, found ${expectedHash}`,
    );
  }
  checkText(streamId, `id, project and kind of stream ${streamId}`, [streamId, stream.project, stream.kind]);
  checkIntegers(streamId, { expectedVersion, partition: stream.partition, wakeupAt: stream.wakeupAt ?? 0 });
}

function checkEvent(streamId: string, version: number, { type, schema, data, metadata, recordedAt }: NewEvent): void {
  const where = `of ${type}, version ${version} of ${streamId}`;
  checkSize(streamId, `data ${where}`, data, limits.eventBytes);
  checkSize(streamId, `metadata ${where}`, metadata, metadataBytes);
  checkText(streamId, `type, data and metadata ${where}`, [type, data, metadata]);
  checkIntegers(streamId, { schema, recordedAt });
}

/** Ids, an actor, a trace: a page of events is bounded by the bytes of their data, so this must stay small beside it. */
const metadataBytes = 16 * 1024;

function checkSize(streamId: string, what: string, text: string, limit: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limit) {
    refuse('event-too-large', streamId, `Expected ${what} to have at most ${limit} bytes, found ${bytes}`);
  }
}

/** Text that PostgreSQL refuses, or that would be stored as other text. `JSON.stringify` escapes both. */
const notStorable = /[\0\p{Surrogate}]/u;

function checkText(streamId: string, what: string, texts: readonly string[]): void {
  if (!texts.some((text) => notStorable.test(text))) return;
  refuse(
    'text-not-storable',
    streamId,
    `Expected ${what} of ${streamId} to be UTF-8 without NUL, found other characters`,
  );
}

function checkIntegers(streamId: string, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value)) continue;
    refuse('number-not-an-integer', streamId, `Expected an integer as ${name} of ${streamId}, found ${value}`);
  }
}

function refuse(reason: InvalidAppendReason, streamId: string, message: string): never {
  throw new InvalidAppendError(reason, streamId, message);
}
