export const queueName = 'steps';

/** Jobs that one worker works on at once. */
export const concurrency = 100;

/** Completed jobs are kept, as our history is. */
export const jobOptions = { removeOnComplete: false, removeOnFail: false };

/** A blocking command must not give up after some retries; the library insists on it. */
export const connectionOf = (target) => ({ ...target.connection, maxRetriesPerRequest: null });
