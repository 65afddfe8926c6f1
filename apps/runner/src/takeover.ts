import type { EventLog, HeadCursor, HeadPage, StreamHead } from '@ryax/event-log';
import type { Clock, IdSource, Log } from '@ryax/platform';
import type { DecisionLoop } from './decision-loop';
import type { Inbox } from './inbox';
import type { StreamStore } from './stream-store';
import { internalItem } from './work-item';
import type { WorkIndex } from './work-index';

/**
 * Open runs folded at a time, in one turn of the loop with a handful of statements. Between two turns messages have theirs, and
 * a message folds its own run: it waits for one turn at most, a fraction of a second, or for one run that is longer.
 */
const pageSize = 1_000;
const eventsEachTurn = 20_000;

export interface TakeoverParts {
  readonly inbox: Inbox;
  readonly log: EventLog;
  readonly store: StreamStore;
  readonly index: WorkIndex;
  readonly loop: Pick<DecisionLoop, 'submit'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Log;
}

/**
 * Partitions come and go with the runners that live. Taking one over: subscribe, so that new messages are served at once,
 * then fold all its open runs, since ready work has no message coming and no timer: nobody else would ever look at it.
 */
export class Takeover {
  private readonly held = new Set<number>();
  private folding = 0;
  private subscribing = 0;
  /** Since when we have been trying to consume them, by partition. */
  private readonly unserved = new Map<number, number>();

  constructor(private readonly parts: TakeoverParts) {}

  get partitions(): ReadonlySet<number> {
    return this.held;
  }

  get isRunning(): boolean {
    return this.folding > 0;
  }

  isOurs(streamId: string): boolean {
    return this.held.has(this.parts.store.partitionOf(streamId));
  }

  /** For how long we have been trying to consume a partition; 0 when nothing is missing. */
  get msUnserved(): number {
    return this.unserved.size === 0 ? 0 : this.parts.clock.monotonicMs() - Math.min(...this.unserved.values());
  }

  /**
   * Tries again to consume what could not be consumed, and gives it up again: as long as others serve it, we only wait behind
   * them. Rejects when it still cannot be consumed; does nothing while an earlier try is under way.
   */
  async tryConsuming(): Promise<void> {
    if (this.subscribing > 0) return;
    for (const partition of [...this.unserved.keys()]) {
      await this.subscribe(partition);
      if (!this.held.has(partition)) await this.parts.inbox.unsubscribe(partition);
    }
  }

  /** Gives up at once what is not among these; resolves when nothing of it is taken from the inbox any more. */
  async keepOnly(owned: ReadonlySet<number>): Promise<void> {
    await this.giveUp([...this.held].filter((partition) => !owned.has(partition)));
  }

  /** Takes over what of these is new; resolves when that is folded. */
  async take(owned: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    const gained = [...owned].filter((partition) => !this.held.has(partition));
    if (gained.length === 0) return;
    // What was decided for them while they were not ours is in the cache and not in the index: it is to be folded again.
    this.parts.store.forgetPartitions(new Set(gained));
    for (const partition of gained) this.held.add(partition);
    this.folding++;
    try {
      await Promise.all(gained.map((partition) => this.subscribe(partition)));
      await this.foldOpenRuns(gained, signal);
    } catch (error) {
      await this.giveUp(gained.filter((partition) => this.held.has(partition)));
      throw error;
    } finally {
      this.folding--;
    }
  }

  async releaseAll(): Promise<void> {
    await this.keepOnly(new Set());
  }

  private async subscribe(partition: number): Promise<void> {
    if (!this.unserved.has(partition)) this.unserved.set(partition, this.parts.clock.monotonicMs());
    this.subscribing++;
    try {
      await this.parts.inbox.subscribe(partition);
      this.unserved.delete(partition);
    } finally {
      this.subscribing--;
    }
  }

  /** Nothing is awaited before it is forgotten: meanwhile it may be ours again. */
  private async giveUp(partitions: readonly number[]): Promise<void> {
    const { store, index, inbox } = this.parts;
    const lost = new Set(partitions);
    for (const partition of lost) this.held.delete(partition);
    store.forgetPartitions(lost);
    if (lost.size > 0) index.forgetWhere((streamId) => lost.has(store.partitionOf(streamId)));
    await Promise.all(partitions.map((partition) => inbox.unsubscribe(partition)));
  }

  private async foldOpenRuns(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    const { log, logger } = this.parts;
    let runs = 0;
    // The due ones come first, and once more among all.
    let pass: HeadCursor['pass'] = 'due';
    let page: HeadPage | undefined = await log.openHeads(partitions, undefined, pageSize);
    while (page !== undefined && !signal.aborted) {
      const { heads, next }: HeadPage = page;
      const open = heads.filter((head) => head.kind === 'run' && this.held.has(head.partition));
      if (pass === 'all') runs += open.length;
      // The next page is read while this one is folded.
      const following: Promise<HeadPage> | undefined =
        next === undefined ? undefined : log.openHeads(partitions, next, pageSize);
      [page] = await Promise.all([following, this.fold(open)]);
      pass = next?.pass ?? pass;
    }
    logger.info('Partitions were taken over', { partitions: partitions.length, open_runs: runs });
  }

  private async fold(heads: readonly StreamHead[]): Promise<void> {
    const { loop, ids } = this.parts;
    for (const turn of turnsOf(heads)) {
      await loop.submit(turn.map(({ streamId }) => internalItem(streamId, { type: 'wake' }, ids.newId())));
    }
  }
}

/** As many in each as have no more events together than a turn should fold. */
export function turnsOf<Head extends Pick<StreamHead, 'version'>>(heads: readonly Head[]): Head[][] {
  const turns: Head[][] = [];
  let events = Infinity;
  for (const head of heads) {
    events += head.version;
    if (events > eventsEachTurn) {
      turns.push([]);
      events = head.version;
    }
    turns.at(-1)?.push(head);
  }
  return turns;
}
