import { EVENT_SCHEMA, eventSchemas, parseStreamId, type DomainEvent, type StreamName } from '@ryax/contracts';
import type { StoredEvent } from '@ryax/event-log';

/** A committed event with its data parsed: what folds work on. */
export interface DecodedEvent {
  readonly position: number;
  readonly stream: StreamName;
  readonly version: number;
  readonly recordedAt: number;
  readonly event: DomainEvent;
}

/** An event of a type or schema that this version does not know. Never skipped: a newer version must read it. */
export class UnreadableEventError extends Error {
  readonly code = 'event_unreadable';

  constructor(
    readonly streamId: string,
    readonly version: number,
    readonly found: string,
  ) {
    super(`Expected an event that this version knows at ${streamId}/${version}, found ${found}`);
    this.name = 'UnreadableEventError';
  }
}

/** Trusts what the log holds to be what its only writer validated; only type and schema are checked. */
export function decodeEvent(stored: StoredEvent): DecodedEvent {
  const { streamId, version, position, recordedAt, type, schema } = stored;
  const stream = parseStreamId(streamId);
  if (stream === undefined) throw new UnreadableEventError(streamId, version, 'a stream of an unknown kind');
  if (!Object.hasOwn(eventSchemas, type) || schema > EVENT_SCHEMA) {
    throw new UnreadableEventError(streamId, version, `${type} in schema ${schema}`);
  }
  const event = { type, data: JSON.parse(stored.data) as unknown } as DomainEvent;
  return { position, stream, version, recordedAt, event };
}
