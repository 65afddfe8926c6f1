/**
 * The append-only log of all streams, and the rows that stand beside it. Times are milliseconds since the epoch on the
 * database's clock. See docs/architecture.md for how the parts use it.
 */
export interface EventLog {
  /**
   * Appends the events of many decisions: those on one stream in one transaction and one statement, those on several
   * streams in a transaction each. A decision succeeds or conflicts as a whole, whatever becomes of the others.
   * @returns one outcome per decision, in their order
   * @throws InvalidAppendError before anything is sent, for a stream twice in the batch or what cannot be stored
   * @throws DatabaseUnavailableError when nothing was appended; the same call may be made again
   * @throws UnknownCommitError when nothing is known of the commit: every stream of the batch must be read again
   */
  append(decisions: readonly Decision[]): Promise<readonly AppendOutcome[]>;
  /** Versions of stream heads; a stream that does not exist is absent. */
  headVersions(streamIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Hashes of stream heads; a stream that does not exist is absent. Validates decisions that append nothing: as in an
   * append, another history of the same length is another head.
   */
  headHashes(streamIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  readHead(streamId: string): Promise<StreamHead | undefined>;
  /**
   * One page of a stream, in version order, from `fromVersion` (default 1) to `toVersion`, at most `limit` events; fewer
   * where events are large. Only an empty page is the end: read whole streams by {@link streamPages}.
   */
  readStream(streamId: string, range?: StreamRange): Promise<readonly StoredEvent[]>;
  /**
   * Many short streams at once, each whole and in version order; one that does not exist is empty. Left out is what is not
   * read here: a stream of more events than {@link StreamsRange.eventsEach}, and what found no room in the answer, which is
   * bounded in events and bytes and filled in the order asked. Those are read by {@link readStream}, or asked for again.
   */
  readStreams(streamIds: readonly string[], range?: StreamsRange): Promise<ReadonlyMap<string, readonly StoredEvent[]>>;
  /** Events of one stream at exactly these versions; absent versions are missing from the answer. */
  readVersions(streamId: string, versions: readonly number[]): Promise<readonly StoredEvent[]>;
  /**
   * One page of the open heads of these partitions: what a takeover folds. First those that are due, then all of them
   * (the due ones again: a timer that fires between two pages must not hide its stream). Go on from `next` until it is
   * undefined.
   */
  openHeads(partitions: readonly number[], after: HeadCursor | undefined, limit: number): Promise<HeadPage>;
  /** Open heads whose `wakeupAt` is due now, earliest first. */
  dueHeads(partitions: readonly number[], limit: number): Promise<readonly StreamHead[]>;
  /** Earliest `wakeupAt` among open heads of these partitions; undefined when there is none. */
  nextWakeup(partitions: readonly number[]): Promise<number | undefined>;
  /** Streams of the project that are open. Walks over all open heads: not for every message. */
  countOpen(project: string): Promise<number>;
  /** Moves timers of streams whose version is still the one seen; a lost race is no error. */
  moveWakeups(moves: readonly WakeupMove[]): Promise<void>;
  /** The database's clock. */
  now(): Promise<number>;
  /** The last committed position known at the time of asking, for readers that must not answer older. */
  lastPosition(): Promise<number>;
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** The newest snapshot of this stream with this schema number; others are ignored. */
  loadSnapshot(streamId: string, schema: number): Promise<Snapshot | undefined>;
}

/** What one message, or several for the same stream, decided: today one stream; later several, all or nothing. */
export interface Decision {
  readonly streams: readonly StreamAppend[];
}

export interface StreamAppend {
  readonly streamId: string;
  readonly project: string;
  readonly kind: string;
  readonly partition: number;
  /** 0 for a stream that must not exist yet. */
  readonly expectedVersion: number;
  /** Hash of the stream's last event; null for a new stream. */
  readonly expectedHash: string | null;
  /**
   * Another stream that the decision was made in view of: nothing is appended unless its head is there still. It is compared
   * in the snapshot of the append and not locked.
   */
  readonly given?: SeenHead | undefined;
  /** At least one. */
  readonly events: readonly NewEvent[];
  /** Whether anything can still happen to the stream after these events. */
  readonly open: boolean;
  /**
   * The next time at which the stream wants a timer message; null for none. What is stored is a lower bound of it: an
   * earlier time that is not due yet stays until it fires (PROTOCOLS §8).
   */
  readonly wakeupAt: number | null;
}

export interface SeenHead {
  readonly streamId: string;
  /** At least 1. */
  readonly version: number;
}

export interface NewEvent {
  readonly type: string;
  readonly schema: number;
  /** Exact bytes of the event's data: JSON text. */
  readonly data: string;
  /** JSON text: cause (message id and type), actor, traceparent, engine version. */
  readonly metadata: string;
  /** The decision's `now`: what `evolve` is given live and in every replay. */
  readonly recordedAt: number;
}

export type AppendOutcome =
  | { readonly status: 'appended'; readonly heads: readonly AppendedHead[]; readonly lastPosition: number }
  | { readonly status: 'conflict'; readonly streamId: string; readonly expectedVersion: number };

export interface AppendedHead {
  readonly streamId: string;
  readonly version: number;
  readonly hash: string;
}

export interface StoredEvent extends NewEvent {
  readonly position: number;
  readonly streamId: string;
  readonly version: number;
  readonly project: string;
  readonly hash: string;
}

export interface StreamHead {
  readonly streamId: string;
  readonly project: string;
  readonly kind: string;
  readonly partition: number;
  readonly version: number;
  readonly hash: string;
  readonly open: boolean;
  readonly wakeupAt: number | null;
}

export interface StreamRange {
  readonly fromVersion?: number;
  readonly toVersion?: number;
  readonly limit?: number;
}

export interface StreamsRange {
  /** Longer streams are left out. */
  readonly eventsEach?: number;
  /** No stream is begun beyond so many events. */
  readonly events?: number;
  /** No event is read beyond so many bytes of data. */
  readonly bytes?: number;
}

export interface HeadPage {
  readonly heads: readonly StreamHead[];
  readonly next: HeadCursor | undefined;
}

export interface HeadCursor {
  readonly pass: 'due' | 'all';
  readonly partition: number;
  readonly streamId: string;
}

export interface WakeupMove {
  readonly streamId: string;
  readonly seenVersion: number;
  readonly wakeupAt: number | null;
}

export interface Snapshot {
  readonly streamId: string;
  readonly version: number;
  readonly hash: string;
  readonly schema: number;
  /** JSON text of the state, as `libs/workflow` writes it. */
  readonly state: string;
}
