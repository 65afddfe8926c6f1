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
  readonly loop: DecisionLoop;
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

  /** Gives up what is no longer ours, at once; takes over what is new, and resolves when that is folded. */
  async follow(owned: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    const lost = [...this.held].filter((partition) => !owned.has(partition));
    const gained = [...owned].filter((partition) => !this.held.has(partition));
    for (const partition of lost) this.held.delete(partition);
    for (const partition of gained) this.held.add(partition);
    await Promise.all(lost.map((partition) => this.release(partition)));
    if (gained.length === 0) return;
    this.folding++;
    try {
      await Promise.all(gained.map((partition) => this.parts.inbox.subscribe(partition)));
      await this.foldOpenRuns(gained, signal);
    } catch (error) {
      for (const partition of gained) this.held.delete(partition);
      throw error;
    } finally {
      this.folding--;
    }
  }

  async releaseAll(): Promise<void> {
    const partitions = [...this.held];
    this.held.clear();
    await Promise.all(partitions.map((partition) => this.release(partition)));
  }

  private async release(partition: number): Promise<void> {
    await this.parts.inbox.unsubscribe(partition);
    this.parts.store.forgetPartition(partition);
    this.parts.index.forgetWhere((streamId) => this.parts.store.partitionOf(streamId) === partition);
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
