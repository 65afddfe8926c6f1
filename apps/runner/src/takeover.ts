import type { EventLog, HeadCursor } from '@ryax/event-log';
import type { IdSource, Log } from '@ryax/platform';
import type { DecisionLoop } from './decision-loop';
import type { Inbox } from './inbox';
import type { StreamStore } from './stream-store';
import { internalItem } from './work-item';
import type { WorkIndex } from './work-index';

/** Open runs folded at a time: between two pages messages of other runs have their turn. */
const pageSize = 200;

export interface TakeoverParts {
  readonly inbox: Inbox;
  readonly log: EventLog;
  readonly store: StreamStore;
  readonly index: WorkIndex;
  readonly loop: Pick<DecisionLoop, 'submit'>;
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

  /** Gives up at once what is not among these; resolves when nothing of it is taken from the inbox any more. */
  async keepOnly(owned: ReadonlySet<number>): Promise<void> {
    await this.giveUp([...this.held].filter((partition) => !owned.has(partition)));
  }

  /** Takes over what of these is new; resolves when that is folded. */
  async take(owned: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    const gained = [...owned].filter((partition) => !this.held.has(partition));
    if (gained.length === 0) return;
    for (const partition of gained) {
      // What was decided for it while it was not ours is in the cache and not in the index: it is to be folded again.
      this.parts.store.forgetPartition(partition);
      this.held.add(partition);
    }
    this.folding++;
    try {
      await Promise.all(gained.map((partition) => this.parts.inbox.subscribe(partition)));
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

  /** Nothing is awaited before it is forgotten: meanwhile it may be ours again. */
  private async giveUp(partitions: readonly number[]): Promise<void> {
    const { store, index, inbox } = this.parts;
    for (const partition of partitions) {
      this.held.delete(partition);
      store.forgetPartition(partition);
    }
    const isLost = (streamId: string) => partitions.includes(store.partitionOf(streamId));
    if (partitions.length > 0) index.forgetWhere(isLost);
    await Promise.all(partitions.map((partition) => inbox.unsubscribe(partition)));
  }

  private async foldOpenRuns(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    let cursor: HeadCursor | undefined;
    let runs = 0;
    do {
      const page = await this.parts.log.openHeads(partitions, cursor, pageSize);
      const open = page.heads.filter((head) => head.kind === 'run' && this.held.has(head.partition));
      await this.parts.loop.submit(
        open.map((head) => internalItem(head.streamId, { type: 'wake' }, this.parts.ids.newId())),
      );
      runs += open.length;
      cursor = page.next;
    } while (cursor !== undefined && !signal.aborted);
    this.parts.logger.info('Partitions were taken over', { partitions: partitions.length, open_runs: runs });
  }
}
