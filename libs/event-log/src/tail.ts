import type { StoredEvent } from './event-log';

/** Positions of registered readers of the log: relay, projections, rebuilds. */
export interface Readers {
  position(name: string): Promise<number>;
  /**
   * Compare-and-set; false when another has moved it. After a crash of the database it may stand where it stood a moment
   * before: what comes after a checkpoint has to bear being handled twice anyway.
   */
  advance(name: string, from: number, to: number): Promise<boolean>;
}

/** Delivers committed events in position order and skips none, however late a transaction commits (PROTOCOLS §3). */
export interface Tail {
  /** The next events after `position`, at most `limit` (fewer where events are large); empty when there are none yet. */
  read(position: number, limit: number): Promise<TailPage>;
  /** Why {@link read} waits at a gap; undefined when it does not. */
  stalled(): Promise<TailStall | undefined>;
}

export interface TailPage {
  readonly events: readonly StoredEvent[];
  /** Where to go on: the last event's position, or what was asked when there is none. */
  readonly position: number;
  /** True when later events exist, but a transaction that may still commit an earlier one has not ended: ask again soon. */
  readonly waiting: boolean;
  /** Whether the page ended at one of its bounds: there may be more that can be read at once. */
  readonly full: boolean;
}

export interface TailStall {
  /** When the tail met the gap, on the database's clock. */
  readonly since: number;
  /** Transactions that may still fill it, oldest first; of any database of the cluster. */
  readonly blockers: readonly TailBlocker[];
}

export type TailBlocker =
  | {
      readonly type: 'backend';
      readonly pid: number;
      readonly database: string;
      readonly application: string;
      readonly startedAt: number;
    }
  | { readonly type: 'prepared'; readonly gid: string; readonly database: string; readonly startedAt: number };
