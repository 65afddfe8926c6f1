import { WorkerPreset } from 'graphile-worker';

export const schema = 'graphile_worker';

/** Jobs that one worker works on at once. */
const concurrentJobs = 10;

/** Jobs are fetched and completed in batches, at the price of a few milliseconds for each. */
export const presetFor = (connectionString) => ({
  extends: [WorkerPreset],
  worker: {
    connectionString,
    schema,
    concurrentJobs,
    maxPoolSize: concurrentJobs + 4,
    pollInterval: 1000,
    localQueue: { size: 200, refetchDelay: { durationMs: 10 } },
    completeJobBatchDelay: 5,
  },
});
