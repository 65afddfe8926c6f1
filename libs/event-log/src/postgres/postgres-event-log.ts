import type { DatabaseClock } from '../database-clock';
import { ConnectionLostError, UnknownCommitError } from '../errors';
import type {
  AppendOutcome,
  Decision,
  EventLog,
  HeadCursor,
  HeadPage,
  Snapshot,
  StoredEvent,
  StreamHead,
  StreamRange,
  StreamsRange,
  WakeupMove,
} from '../event-log';
import { appendStreams } from './append';
import type { Database } from './database';
import * as heads from './heads';
import { prepareAppend, type PreparedDecision } from './prepare-append';
import * as snapshots from './snapshots';
import { nowMs, type Statement } from './sql';
import * as streams from './streams';

const defaultPage = 1_000;
const lastVersion = 2 ** 31 - 1;

/** The log in PostgreSQL. Every call is a transaction of its own. */
export class PostgresEventLog implements EventLog {
  constructor(
    private readonly database: Database,
    private readonly clock: DatabaseClock,
  ) {}

  async append(decisions: readonly Decision[]): Promise<readonly AppendOutcome[]> {
    const prepared = prepareAppend(decisions);
    const positions = new Map<string, number>();
    try {
      await this.appendSingles(prepared, positions);
      await this.appendMultiples(prepared, positions);
    } catch (error) {
      // What was committed before is not told apart: the caller has to read all of it again anyway.
      if (!(error instanceof ConnectionLostError) && positions.size === 0) throw error;
      const streamIds = prepared.flatMap((decision) => decision.streams.map((stream) => stream.streamId));
      throw new UnknownCommitError(streamIds, { cause: error });
    }
    return prepared.map((decision) => outcome(decision, positions));
  }

  headVersions(streamIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return heads.readVersions(this.database, streamIds);
  }

  headHashes(streamIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return heads.readHashes(this.database, streamIds);
  }

  readHead(streamId: string): Promise<StreamHead | undefined> {
    return heads.readHead(this.database, streamId);
  }

  readStream(
    streamId: string,
    { fromVersion = 1, toVersion = lastVersion, limit = defaultPage }: StreamRange = {},
  ): Promise<readonly StoredEvent[]> {
    return streams.readRange(this.database, streamId, { from: fromVersion, to: toVersion, limit });
  }

  readStreams(
    streamIds: readonly string[],
    range: StreamsRange = {},
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
    return streams.readWhole(this.database, streamIds, range);
  }

  readVersions(streamId: string, versions: readonly number[]): Promise<readonly StoredEvent[]> {
    return streams.readExactVersions(this.database, streamId, versions);
  }

  openHeads(partitions: readonly number[], after: HeadCursor | undefined, limit: number): Promise<HeadPage> {
    return heads.readOpenHeads(this.database, partitions, after ?? heads.beforeFirst('due'), limit);
  }

  dueHeads(partitions: readonly number[], limit: number): Promise<readonly StreamHead[]> {
    return heads.readDueHeads(this.database, partitions, limit);
  }

  countOpen(project: string): Promise<number> {
    return heads.countOpenHeads(this.database, project);
  }

  nextWakeup(partitions: readonly number[]): Promise<number | undefined> {
    return heads.readNextWakeup(this.database, partitions);
  }

  moveWakeups(moves: readonly WakeupMove[]): Promise<void> {
    return heads.moveWakeups(this.database, moves);
  }

  /** Also teaches the process's {@link DatabaseClock}. */
  now(): Promise<number> {
    return this.clock.refresh(async () => {
      const [row] = await this.database.query<{ now: string }>(selectNow);
      return Number(row?.now);
    });
  }

  lastPosition(): Promise<number> {
    return streams.readLastPosition(this.database);
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return snapshots.save(this.database, snapshot);
  }

  loadSnapshot(streamId: string, schema: number): Promise<Snapshot | undefined> {
    return snapshots.load(this.database, streamId, schema);
  }

  private async appendSingles(decisions: readonly PreparedDecision[], positions: Map<string, number>): Promise<void> {
    const singles = decisions.filter(isSingle).flatMap(({ streams }) => streams);
    if (singles.length === 0) return;
    for (const [streamId, position] of await appendStreams(this.database, singles)) positions.set(streamId, position);
  }

  /** A transaction each: one that conflicts takes back its own events and no others. */
  private async appendMultiples(decisions: readonly PreparedDecision[], positions: Map<string, number>): Promise<void> {
    for (const { streams } of decisions.filter((decision) => !isSingle(decision))) {
      const appended = await this.database.transaction(
        (connection) => appendStreams(connection, streams),
        (result) => result.size === streams.length,
      );
      for (const [streamId, position] of appended) positions.set(streamId, position);
    }
  }
}

function isSingle({ streams }: PreparedDecision): boolean {
  return streams.length === 1;
}

/** A decision took effect when all of its streams moved; one that did not is the conflict. */
function outcome({ streams }: PreparedDecision, positions: ReadonlyMap<string, number>): AppendOutcome {
  const conflict = streams.find(({ streamId }) => !positions.has(streamId));
  if (conflict) {
    return { status: 'conflict', streamId: conflict.streamId, expectedVersion: conflict.expectedVersion };
  }
  return {
    status: 'appended',
    heads: streams.map(({ streamId, version, hash }) => ({ streamId, version, hash })),
    lastPosition: Math.max(...streams.map(({ streamId }) => positions.get(streamId) ?? 0)),
  };
}

const selectNow: Statement = { name: 'select-now', text: `SELECT ${nowMs} AS now` };
