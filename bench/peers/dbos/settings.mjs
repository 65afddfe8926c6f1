export const applicationVersion = 'bench';
export const queueName = 'runs';
export const poolSize = 20;

/** The library's default is a second: every start would then wait up to that long. */
export const queueOptions = { workerConcurrency: 20, minPollingIntervalMs: 10, onConflict: 'always_update' };
