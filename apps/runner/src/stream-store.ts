import { parseStreamId, partitionOf } from '@ryax/contracts';
import { streamPages, type EventLog, type StoredEvent } from '@ryax/event-log';
import type { Plan } from '@ryax/workflow';
import { ActionAggregate, RunAggregate, WorkflowAggregate } from './aggregates';
import { ByteBoundedCache } from '@ryax/platform';
import type { Durations } from './durations';
import { DefinitionNotFoundError, type Plans } from './plans';
import type { LoadedStream } from './stream';
import { Yielding } from './yielding';

export type RunStream = LoadedStream<RunAggregate> & { readonly kind: 'run' };
export type AnyStream =
  | RunStream
  | (LoadedStream<WorkflowAggregate> & { readonly kind: 'workflow' })
  | (LoadedStream<ActionAggregate> & { readonly kind: 'action' });

/** A page ends by events or by bytes. One of fewer events than this can only be the whole stream: events are bounded. */
const surelyWhole = 32;
/** Snapshots are taken from this many events on, and again each time a stream has doubled. */
const firstSnapshotAt = 2_000;
/** Shorter streams have no snapshot worth asking for. */
const longStream = 1_000;

/** A stream id that no stream of ours can have. */
export class UnknownStreamError extends Error {
  readonly code = 'unknown-stream';

  constructor(readonly streamId: string) {
    super(`Expected a stream id like run:default:…, found "${streamId}"`);
    this.name = 'UnknownStreamError';
  }
}

/** A run whose definition is not to be had: nothing can be decided for it, and nothing that is said of it may be lost. */
export class UnreadableRunError extends Error {
  readonly code = 'unreadable-run';

  constructor(
    readonly streamId: string,
    options: ErrorOptions,
  ) {
    super(`Expected the definition of ${streamId}, found none`, options);
    this.name = 'UnreadableRunError';
  }
}

/**
 * Streams as folded from the log, the recently used ones kept in memory. A cached stream may be behind the log when
 * another runner has written to it: the append's compare-and-set, or the head check, tells.
 */
export class StreamStore {
  private readonly cache: ByteBoundedCache<string, AnyStream>;
  private readonly snapshotAt = new Map<string, number>();
  /** Streams that turned out to exist when they were taken for new: the next load reads them. */
  private readonly existing = new Set<string>();

  constructor(
    private readonly log: EventLog,
    private readonly plans: Plans,
    private readonly durations: Pick<Durations, 'heightsOf'>,
    private readonly options: { readonly partitions: number; readonly cacheBytes: number },
    private readonly onFolded: (stream: RunStream) => void,
  ) {
    this.cache = new ByteBoundedCache(options.cacheBytes, (streamId) => this.snapshotAt.delete(streamId));
  }

  partitionOf(streamId: string): number {
    return partitionOf(streamId, this.options.partitions);
  }

  /**
   * A run that is about to start is taken for new without a look at the log: nearly always it is, and where it is not, the
   * append's compare-and-set (or the head check) says so. Who is told so calls {@link forgetExisting} and loads again.
   *
   * @param definitionHash of the run that is about to start
   */
  async load(streamId: string, definitionHash?: string): Promise<AnyStream> {
    const cached = this.cache.get(streamId);
    if (cached !== undefined && (cached.version > 0 || definitionHash === undefined)) return cached;
    const isNew = !this.existing.delete(streamId) && definitionHash !== undefined;
    const stream = await (isNew
      ? this.takeForNew(streamId, definitionHash)
      : this.fold(streamId, definitionHash, false));
    this.keep(stream);
    // What is watched of a run that is there after all must not be lost by this: it is folded when that is known.
    if (stream.kind === 'run' && !(isNew && stream.version === 0)) this.onFolded(stream);
    return stream;
  }

  /** A run that has started under another definition is a repeat all the same, and is answered as it was. */
  private async takeForNew(streamId: string, definitionHash: string): Promise<AnyStream> {
    try {
      return await this.fold(streamId, definitionHash, true);
    } catch (error) {
      if (!(error instanceof DefinitionNotFoundError)) throw error;
      return this.fold(streamId, definitionHash, false);
    }
  }

  /**
   * Many at once, as {@link load} would give each: those in memory, and those that are short and read together. What is
   * missing in the answer is left to `load`: it is long, or new, or cannot be folded, which `load` then tells.
   */
  async loadMany(asked: ReadonlyMap<string, string | undefined>): Promise<Map<string, AnyStream>> {
    const loaded = new Map<string, AnyStream>();
    let cold: string[] = [];
    for (const [streamId, definitionHash] of asked) {
      const cached = this.cache.get(streamId);
      if (cached !== undefined && (cached.version > 0 || definitionHash === undefined)) loaded.set(streamId, cached);
      else if (definitionHash === undefined || this.existing.has(streamId)) cold.push(streamId);
    }
    const yielding = new Yielding();
    while (cold.length > 1) {
      const read = await this.log.readStreams(cold);
      if (read.size === 0) break;
      for (const [streamId, events] of read) {
        const stream = await this.foldWhole(streamId, events);
        if (stream !== undefined) loaded.set(streamId, stream);
        await yielding.pause();
      }
      cold = cold.filter((streamId) => !read.has(streamId));
    }
    return loaded;
  }

  /** The stream if it is in memory, without folding it. */
  peek(streamId: string): AnyStream | undefined {
    return this.cache.get(streamId);
  }

  /** Brings the cache's accounting up to date after events were applied. */
  keep(stream: AnyStream): void {
    this.cache.set(stream.streamId, stream, stream.aggregate.bytes);
  }

  forget(streamId: string): void {
    this.cache.delete(streamId);
    this.snapshotAt.delete(streamId);
  }

  /** The log holds more of it than we believed. */
  forgetExisting(streamId: string): void {
    this.forget(streamId);
    this.existing.add(streamId);
  }

  forgetAll(): void {
    this.cache.clear();
    this.snapshotAt.clear();
  }

  forgetPartitions(partitions: ReadonlySet<number>): void {
    if (partitions.size === 0) return;
    for (const streamId of [...this.cache.keys()]) {
      if (partitions.has(this.partitionOf(streamId))) this.forget(streamId);
    }
  }

  get bytes(): number {
    return this.cache.bytes;
  }

  /** Whether the stream has doubled since its last snapshot. */
  isSnapshotDue(stream: RunStream): boolean {
    const due = this.snapshotAt.get(stream.streamId) ?? firstSnapshotAt;
    return stream.version >= due && stream.aggregate.isOpen;
  }

  /**
   * Writes a snapshot of what is committed: to be called before anything else is decided for the stream. Outside the
   * append, and harmless when it is lost.
   */
  async snapshot(stream: RunStream): Promise<void> {
    if (stream.hash === null) return;
    this.snapshotAt.set(stream.streamId, stream.version * 2);
    await this.log.saveSnapshot({
      streamId: stream.streamId,
      version: stream.version,
      hash: stream.hash,
      schema: RunAggregate.snapshotSchema,
      state: stream.aggregate.snapshot(),
    });
  }

  private async fold(streamId: string, definitionHash: string | undefined, isNew: boolean): Promise<AnyStream> {
    const base = this.base(streamId);
    const firstPage = isNew ? [] : await this.log.readStream(streamId);
    const stream = await this.begin(base, firstPage, definitionHash);
    const yielding = new Yielding();
    for (const event of firstPage) if (event.version > stream.version) advance(stream, event);
    // Most streams are shorter than a page; only a long one is asked for more.
    if (firstPage.length >= surelyWhole) {
      for await (const page of streamPages(this.log, streamId, { fromVersion: stream.version + 1 })) {
        for (const event of page) {
          advance(stream, event);
          await yielding.pause();
        }
      }
    }
    return stream;
  }

  /** All of a stream is at hand. Undefined where `load` has something to say about it. */
  private async foldWhole(streamId: string, events: readonly StoredEvent[]): Promise<AnyStream | undefined> {
    if (events.length === 0) return undefined;
    try {
      const stream = await this.begin(this.base(streamId), events, undefined);
      for (const event of events) advance(stream, event);
      this.existing.delete(streamId);
      this.keep(stream);
      if (stream.kind === 'run') this.onFolded(stream);
      return stream;
    } catch {
      // It is folded again by itself, and fails there with all that is known of its failure.
      return undefined;
    }
  }

  private base(streamId: string): LoadedBase {
    const name = parseStreamId(streamId);
    if (name === undefined) throw new UnknownStreamError(streamId);
    return { streamId, name, partition: this.partitionOf(streamId), version: 0, hash: null, lastEventAt: 0 };
  }

  private async begin(
    base: LoadedBase,
    firstPage: readonly StoredEvent[],
    definitionHash: string | undefined,
  ): Promise<AnyStream> {
    const { kind } = base.name;
    switch (kind) {
      case 'workflow':
        return { ...base, kind, aggregate: new WorkflowAggregate() };
      case 'action':
        return { ...base, kind, aggregate: new ActionAggregate() };
      case 'run':
        return this.beginRun(base, firstPage, definitionHash);
      default:
        return kind satisfies never;
    }
  }

  private async beginRun(
    base: LoadedBase,
    firstPage: readonly StoredEvent[],
    definitionHash: string | undefined,
  ): Promise<RunStream> {
    const [first] = firstPage;
    const hash = first === undefined ? definitionHash : pinnedDefinition(first);
    if (hash === undefined) return { ...base, kind: 'run', aggregate: RunAggregate.absent() };
    const plan = first === undefined ? await this.plans.get(hash) : await this.pinnedPlan(base.streamId, hash);
    const snapshot =
      firstPage.length >= longStream
        ? await this.log.loadSnapshot(base.streamId, RunAggregate.snapshotSchema)
        : undefined;
    const heights = this.durations.heightsOf(plan);
    if (snapshot === undefined) return { ...base, kind: 'run', aggregate: RunAggregate.empty(plan, heights) };
    this.snapshotAt.set(base.streamId, snapshot.version * 2);
    const { version, hash: headHash } = snapshot;
    const aggregate = RunAggregate.restore(plan, snapshot.state, heights);
    return { ...base, kind: 'run', version, hash: headHash, lastEventAt: aggregate.updatedAt, aggregate };
  }

  private async pinnedPlan(streamId: string, definitionHash: string): Promise<Plan> {
    try {
      return await this.plans.get(definitionHash);
    } catch (error) {
      if (error instanceof DefinitionNotFoundError) throw new UnreadableRunError(streamId, { cause: error });
      throw error;
    }
  }
}

type LoadedBase = Omit<LoadedStream<never>, 'aggregate'>;

function advance(stream: AnyStream, event: StoredEvent): void {
  stream.aggregate.apply(event);
  stream.version = event.version;
  stream.hash = event.hash;
  stream.lastEventAt = event.recordedAt;
}

function pinnedDefinition(runStarted: StoredEvent): string {
  return (JSON.parse(runStarted.data) as { readonly definition_hash: string }).definition_hash;
}
