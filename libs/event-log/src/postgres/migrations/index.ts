import { CreateEventLog } from './0001-create-event-log';

/** In order, each once, forward only. A released one is never changed. */
export const migrations = [CreateEventLog];
