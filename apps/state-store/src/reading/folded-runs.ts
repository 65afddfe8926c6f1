import { runEventSchemas, streamId, type DomainEvent, type RunEvent } from '@ryax/contracts';
import type { EventLog, StoredEvent } from '@ryax/event-log';
import { evolve, newRun, restore, RUN_STATE_SCHEMA, type RunSnapshot, type RunState } from '@ryax/workflow';
import { decodeEvent, UnreadableEventError } from '../tail/decoded-event';
import { ByteBoundedCache } from '@ryax/platform';
import type { Definitions } from './definitions';

/** A run folded so far, and roughly what that takes in memory. */
interface Fold {
  readonly state: RunState;
  bytes: number;
}

/** Each page is awaited from the database, so that a long fold lets others run at least this often. */
const pageSize = 1_000;
/** What an event adds to a run's state: its instance, and a value that is small enough to be kept there. */
const stateBytes = { perEvent: 300, mostOfData: 1_024 };

/**
 * Runs as their own streams tell them, folded by the same `evolve` that decides. The newest state of runs that were
 * read lately is kept and goes on from where it stands, so that reading again costs what has happened since; each read
 * asks the log, hence is never older than what was committed before it.
 */
export class FoldedRuns {
  private readonly cache: ByteBoundedCache<string, Fold>;
  /** Those who read one run take turns, so that one of them folds and the others find it done. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly log: Pick<EventLog, 'readStream' | 'loadSnapshot'>,
    private readonly definitions: Pick<Definitions, 'plan'>,
    cacheBytes: number,
  ) {
    this.cache = new ByteBoundedCache(cacheBytes);
  }

  get cachedBytes(): number {
    return this.cache.bytes;
  }

  /**
   * Gives the state of a run as of now, or as of a version, to `describe`, which must be done with it when it returns: the
   * state goes on changing. Undefined when there is no such run, or not as many versions of it.
   */
  async read<T>(
    project: string,
    runId: string,
    describe: (state: RunState) => T,
    version?: number,
  ): Promise<T | undefined> {
    const stream = streamId('run', project, runId);
    const fold = version === undefined ? await this.newest(stream) : await this.asOf(stream, version);
    return fold === undefined ? undefined : describe(fold.state);
  }

  /** The log may be another one. */
  clear(): void {
    this.cache.clear();
  }

  private async newest(stream: string): Promise<Fold | undefined> {
    const turn = (this.turns.get(stream) ?? Promise.resolve()).catch(() => undefined).then(() => this.catchUp(stream));
    this.turns.set(stream, turn);
    try {
      return await turn;
    } finally {
      if (this.turns.get(stream) === turn) this.turns.delete(stream);
    }
  }

  private async catchUp(stream: string): Promise<Fold | undefined> {
    const fold = await this.foldFrom(stream, this.cache.get(stream));
    if (fold !== undefined) this.cache.set(stream, fold, fold.bytes);
    return fold;
  }

  /** Folded apart: a state cannot go back. */
  private async asOf(stream: string, version: number): Promise<Fold | undefined> {
    const fold = await this.foldFrom(stream, undefined, version);
    return fold?.state.version === version ? fold : undefined;
  }

  private async foldFrom(stream: string, known: Fold | undefined, toVersion = Infinity): Promise<Fold | undefined> {
    let fold = known;
    for (;;) {
      const fromVersion = (fold?.state.version ?? 0) + 1;
      const limit = Math.min(pageSize, toVersion - fromVersion + 1);
      if (limit <= 0) return fold;
      const page = await this.log.readStream(stream, { fromVersion, limit });
      const [first] = page;
      // A page may be shorter than its limit where events are large: only an empty one is the end.
      if (first === undefined) return fold;
      fold ??= await this.begin(first, page.length === pageSize ? toVersion : 0);
      for (const event of page) if (event.version === fold.state.version + 1) advance(fold, event);
    }
  }

  /** @param snapshotUpTo the newest version that a snapshot may have */
  private async begin(first: StoredEvent, snapshotUpTo: number): Promise<Fold> {
    const event = runEvent(first);
    if (event.type !== 'RunStarted') throw new UnreadableEventError(first.streamId, first.version, event.type);
    const plan = await this.definitions.plan(event.data.definition_hash);
    const snapshot = snapshotUpTo > 0 ? await this.log.loadSnapshot(first.streamId, RUN_STATE_SCHEMA) : undefined;
    if (snapshot === undefined || snapshot.version > snapshotUpTo) return { state: newRun(plan), bytes: 0 };
    const state = restore(plan, JSON.parse(snapshot.state) as RunSnapshot);
    return { state, bytes: snapshot.version * stateBytes.perEvent + snapshot.state.length };
  }
}

function advance(fold: Fold, stored: StoredEvent): void {
  const { version, recordedAt } = stored;
  evolve(fold.state, { ...runEvent(stored), version, recordedAt });
  fold.bytes += stateBytes.perEvent + Math.min(stored.data.length, stateBytes.mostOfData);
}

function runEvent(stored: StoredEvent): RunEvent {
  const { event } = decodeEvent(stored);
  if (!isRunEvent(event)) throw new UnreadableEventError(stored.streamId, stored.version, `${event.type} in a run`);
  return event;
}

function isRunEvent(event: DomainEvent): event is RunEvent {
  return Object.hasOwn(runEventSchemas, event.type);
}
