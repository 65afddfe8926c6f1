import type { Resources } from '@ryax/contracts';
import type { Clock } from '@ryax/platform';
import type { Addressed } from './attempt-name';
import type { ExecutorMetrics } from './executor-metrics';
import type { Taken } from './held-attempt';
import type { Lease } from './lease';
import type { Outcomes } from './outcomes';
import type { Reports } from './reports';
import type { ExecutorSettings } from './settings';
import type { Timers } from './timers';
import type { Ended, Work } from './work';

/** What attempts are held with. */
export interface AttemptsContext {
  readonly settings: ExecutorSettings;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly lease: Lease;
  readonly reports: Reports;
  readonly outcomes: Outcomes;
  readonly metrics: ExecutorMetrics;
  /** Begins anything but a noop. */
  readonly begin: (taken: Taken, ended: Ended) => Work;
}

/** What another executor has begun, and is ours now. */
export interface Adopted {
  readonly of: Addressed;
  readonly since: number | null;
  readonly resources: Resources;
}
