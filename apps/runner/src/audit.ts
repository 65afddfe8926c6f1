import type { EventLog, HeadCursor, StreamHead } from '@ryax/event-log';
import type { IdSource } from '@ryax/platform';
import type { DecisionLoop } from './decision-loop';
import type { Takeover } from './takeover';
import type { WorkIndex } from './work-index';
import { internalItem } from './work-item';

const pageSize = 1_000;
/** A run that cannot even be folded, or forgotten, is tried in every so many sweeps. */
const sweepsBetweenTries = 12;

/** The first head, whatever is due: timers have a loop of their own. */
const beforeFirst: HeadCursor = { pass: 'all', partition: -1, streamId: '' };

export interface AuditParts {
  readonly log: Pick<EventLog, 'openHeads'>;
  readonly index: WorkIndex;
  readonly takeover: Pick<Takeover, 'partitions' | 'isRunning' | 'isOurs'>;
  readonly loop: Pick<DecisionLoop, 'submit'>;
  readonly ids: IdSource;
}

/**
 * Compares what we watch with the log. A runner that has lost a partition still decides what it had taken from its
 * inbox, possibly after the new owner has folded the run: of what becomes ready then no message tells, so the owner has
 * to look. The same look finds again what could not be folded or handed out before, and what it does not find has ended:
 * whoever still runs something of that is told to stop.
 */
export class Audit {
  private sweeps = 0;
  private readonly tryAgainAt = new Map<string, number>();

  constructor(private readonly parts: AuditParts) {}

  async sweep(signal: AbortSignal): Promise<void> {
    const { log, takeover, index } = this.parts;
    this.sweeps++;
    await this.wake(index.ready.takeResting());
    const unfound = new Set(index.watched);
    let cursor: HeadCursor | undefined = beforeFirst;
    while (cursor !== undefined && !signal.aborted && !takeover.isRunning && takeover.partitions.size > 0) {
      const page = await log.openHeads([...takeover.partitions], cursor, pageSize);
      for (const { streamId } of page.heads) unfound.delete(streamId);
      await this.look(page.heads);
      cursor = page.next;
    }
    if (cursor !== undefined) return;
    await this.tryEach([...unfound], (streamId) => takeover.isOurs(streamId) && index.knownVersion(streamId) > 0);
    // What was due and not tried is gone.
    for (const [streamId, sweep] of this.tryAgainAt) if (sweep <= this.sweeps) this.tryAgainAt.delete(streamId);
  }

  private look(heads: readonly StreamHead[]): Promise<void> {
    const byStream = new Map(heads.map((head) => [head.streamId, head]));
    const isUnseen = (streamId: string) => {
      const head = byStream.get(streamId);
      return head !== undefined && this.isUnseen(head);
    };
    return this.tryEach([...byStream.keys()], isUnseen);
  }

  /** A page at a time: other work of the partitions waits while it is decided. */
  private async tryEach(streams: readonly string[], isLeft: (streamId: string) => boolean): Promise<void> {
    const due = streams.filter((each) => isLeft(each) && this.sweeps >= (this.tryAgainAt.get(each) ?? 0));
    for (let from = 0; from < due.length; from += pageSize) {
      await this.wake(due.slice(from, from + pageSize).filter(isLeft));
    }
    for (const streamId of due) {
      if (isLeft(streamId)) this.tryAgainAt.set(streamId, this.sweeps + sweepsBetweenTries);
      else this.tryAgainAt.delete(streamId);
    }
  }

  private isUnseen({ streamId, kind, version }: StreamHead): boolean {
    return kind === 'run' && this.parts.takeover.isOurs(streamId) && this.parts.index.knownVersion(streamId) < version;
  }

  private wake(streams: readonly string[]): Promise<void> {
    const { loop, ids } = this.parts;
    return loop.submit(streams.map((streamId) => internalItem(streamId, { type: 'wake' }, ids.newId())));
  }
}
