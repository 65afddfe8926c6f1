import type { Start } from '@ryax/contracts';
import type { Addressed } from './attempt-name';
import type { Timer } from './timers';
import type { Work } from './work';

/** A start as it came. */
export interface Taken {
  readonly start: Start;
  /**
   * Since when it is meant, in the database's time: its attempt was handed out then, or asked about and found with nobody.
   * Null if its runner does not say.
   */
  readonly since: number | null;
}

/** A start that waits for room in the pool. */
export interface Waiting {
  readonly state: 'waiting';
  readonly taken: Taken;
  readonly takenAtMs: number;
}

export interface Running {
  readonly state: 'running';
  readonly of: Addressed;
  readonly since: number | null;
  readonly work: Work;
  /** Fires when it is time to say that it runs; of what was adopted that has been said. */
  readonly startedReport: Timer | undefined;
  /** Why it is being stopped, if it is: a runner's cancel, its attempt is closed in the log, or we leave. */
  stopping: 'no' | 'cancelled' | 'closed' | 'leaving';
}
