import {
  parsedJsonSchema,
  streamId,
  type HistoryEvent,
  type JsonValue,
  type QueryAnswer,
  type QueryParameters,
} from '@ryax/contracts';
import type { EventLog, StoredEvent } from '@ryax/event-log';
import type { HeadWatcher } from '../reading/head-watcher';
import type { QueryHandlers } from './query-handlers';
import { unknownRun } from './run-queries';

const defaultLimit = 100;
/** A page ends here, whatever its limit, once it holds one event: an answer is one message. */
const pageBytes = 2 * 1024 * 1024;

export interface HistoryParts {
  readonly log: EventLog;
  readonly streams: HeadWatcher<string>;
}

/** Events of a run, and the wait for the next: what every live view of a run is made of. */
export function historyQuery({ log, streams }: HistoryParts): Pick<QueryHandlers, 'run.history'> {
  return {
    'run.history': async (parameters) => {
      const { project, run_id, after_version = 0, wait_ms = 0 } = parameters;
      const first = await readPage(log, parameters);
      if (first.events.length > 0 || !first.open || wait_ms === 0) return first;
      await streams.waitBeyond(streamId('run', project, run_id), after_version, wait_ms);
      return readPage(log, parameters);
    },
  };
}

async function readPage(
  log: EventLog,
  { project, run_id, after_version = 0, limit = defaultLimit }: QueryParameters<'run.history'>,
): Promise<QueryAnswer<'run.history'>> {
  const stream = streamId('run', project, run_id);
  // The head first: then no event that it counts is missing from a page that reaches its version.
  const head = await log.readHead(stream);
  if (head === undefined) throw await unknownRun(log, project, run_id);
  const events = await log.readStream(stream, { fromVersion: after_version + 1, limit });
  return { events: withinBytes(events).map(historyEvent), head_version: head.version, open: head.open };
}

function withinBytes(events: readonly StoredEvent[]): readonly StoredEvent[] {
  let bytes = 0;
  const end = events.findIndex(({ data, metadata }) => {
    bytes += Buffer.byteLength(data) + Buffer.byteLength(metadata);
    return bytes > pageBytes;
  });
  return end === -1 ? events : events.slice(0, Math.max(1, end));
}

function historyEvent({ version, type, recordedAt, data, metadata, hash }: StoredEvent): HistoryEvent {
  return {
    version,
    type,
    recorded_at: new Date(recordedAt).toISOString(),
    data: parseJson(data),
    cause: causeOf(parseJson(metadata)),
    hash,
  };
}

function causeOf(metadata: JsonValue): JsonValue {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return null;
  return metadata['cause'] ?? null;
}

function parseJson(text: string): JsonValue {
  return parsedJsonSchema.parse(JSON.parse(text));
}
