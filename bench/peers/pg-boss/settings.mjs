export const schema = 'pgboss';
export const queue = 'steps';

export const bossOptions = { schema, max: 20, schedule: false, flowIntervalSeconds: 1 };

/** Two loops that fetch up to 100 jobs each; the next jobs and the completion of a batch are one transaction. */
export const workOptions = {
  transactional: true,
  batchSize: 100,
  localConcurrency: 2,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
};
