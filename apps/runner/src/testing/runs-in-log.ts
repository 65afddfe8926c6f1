import { EVENT_SCHEMA, streamId, type JsonObject } from '@ryax/contracts';
import { streamPages, type Decision, type NewEvent, type OpenEventLog, type StoredEvent } from '@ryax/event-log';

/** An event as another runner, or another version, may write it. */
export interface WrittenEvent {
  readonly type: string;
  readonly data: JsonObject;
  readonly schema?: number;
}

/** After these a run is closed. */
const ends: readonly string[] = ['RunSucceeded', 'RunFailed', 'RunCancelled'];

const streamOf = (runId: string) => streamId('run', 'default', runId);

/** Open runs as they stand in the log: read, and written past all runners under test. */
export class RunsInLog {
  constructor(
    private readonly eventLog: OpenEventLog,
    private readonly partitionOf: (runId: string) => number,
  ) {}

  async events(runId: string): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for await (const page of streamPages(this.eventLog.log, streamOf(runId))) events.push(...page);
    return events;
  }

  /** At the run's head: as another runner does. */
  async append(runId: string, events: readonly WrittenEvent[]): Promise<void> {
    const last = (await this.events(runId)).at(-1);
    if (last === undefined) throw new Error(`Expected run ${runId}, found none`);
    const { metadata, recordedAt } = last;
    const written = events.map(({ type, data, schema = EVENT_SCHEMA }) => ({
      type,
      schema,
      data: JSON.stringify(data),
      metadata,
      recordedAt,
    }));
    await this.write([this.decision(runId, written, last)]);
  }

  /** Writes runs that have come as far as this one. */
  async copy(runId: string, copies: readonly string[]): Promise<void> {
    const events = await this.events(runId);
    await this.write(copies.map((copy) => this.decision(copy, events)));
  }

  /** Takes back all events after this version: as a fail-over to a copy does that lacks the last commits. */
  async rewind(runId: string, version: number): Promise<void> {
    const stream = streamOf(runId);
    const statements: [string, unknown[]][] = [
      ['ALTER TABLE events DISABLE TRIGGER USER', []],
      ['DELETE FROM events WHERE stream_id = $1 AND version > $2', [stream, version]],
      ['ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_immutable', []],
      [
        `UPDATE stream_heads SET version = $2, hash = event.hash
           FROM (SELECT hash FROM events WHERE stream_id = $1 AND version = $2) AS event WHERE stream_id = $1`,
        [stream, version],
      ],
    ];
    await this.eventLog.database.transaction(async (connection) => {
      for (const [text, values] of statements) await connection.query({ name: '', text }, values);
    });
  }

  private decision(runId: string, events: readonly NewEvent[], last?: StoredEvent): Decision {
    const head = { expectedVersion: last?.version ?? 0, expectedHash: last?.hash ?? null };
    const stream = { streamId: streamOf(runId), project: 'default', kind: 'run', partition: this.partitionOf(runId) };
    const open = !events.some(({ type }) => ends.includes(type));
    return { streams: [{ ...stream, ...head, events, open, wakeupAt: null }] };
  }

  private async write(decisions: readonly Decision[]): Promise<void> {
    const outcomes = await this.eventLog.log.append(decisions);
    if (outcomes.some(({ status }) => status !== 'appended')) throw new Error('Expected to append, found a conflict');
  }
}
