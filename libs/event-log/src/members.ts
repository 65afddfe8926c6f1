/** Runners and executors alive, as rows with a heartbeat on the database's clock. */
export interface Members {
  /** Writes one beat. A beat of an incarnation that is not newer than the row (`sent`) changes nothing. */
  beat(member: MemberBeat): Promise<void>;
  /**
   * Members whose last beat is younger than `withinMs`, without those that said they hold a lock and do not hold it any
   * more: their process, or its connection to the database, is gone, and nobody need wait for the beat to become old.
   */
  live(withinMs: number): Promise<readonly Member[]>;
  leave(incarnation: string): Promise<void>;
  /** Deletes the rows of members that have not beaten for so long. */
  forget(silentMs: number): Promise<void>;
}

export interface MemberBeat {
  readonly id: string;
  readonly incarnation: string;
  readonly kind: 'runner' | 'executor';
  readonly site: string;
  /** JSON: an executor's pools with slots and free resources. */
  readonly pools: string;
  /** JSON: what those pools are like, as far as the executor describes them. */
  readonly poolKinds: string;
  /** JSON: how much ready work a runner has for each pool. */
  readonly wanted: string;
  readonly schemaMax: number;
  /** The name of a lock (locks.ts) that it holds as long as it lives; null for one that counts by its beats alone. */
  readonly lock: string | null;
  /** What it runs goes on when it dies. Once said of an incarnation it stays said: whoever writes false may only not know it. */
  readonly keepsWork: boolean;
  /** The sender's own monotonic number, to ignore beats that arrive late. */
  readonly sent: number;
}

export interface Member extends MemberBeat {
  readonly beatAt: number;
}
