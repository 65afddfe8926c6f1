import { plainDemand } from '@ryax/workflow';
import type { TrackedAttempt } from '../work-index';

/** An attempt of the run `r` that was handed out, and of which nobody has said anything yet. */
export function trackedAttempt(overrides: Partial<TrackedAttempt> = {}): TrackedAttempt {
  return {
    streamId: 'run:default:r',
    execution: 'x',
    attempt: 1,
    project: 'default',
    runId: 'r',
    partition: 0,
    site: 'local',
    pool: 'default',
    demand: plainDemand,
    scheduledAt: 0,
    emittedAt: 0,
    sentTo: undefined,
    since: 0,
    holder: undefined,
    cancelling: null,
    inquiry: undefined,
    isReturned: false,
    givenBack: [],
    isSuspect: false,
    ...overrides,
  };
}
