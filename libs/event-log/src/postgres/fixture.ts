import { Clock, Log } from '@ryax/platform';
import { openEventLog, type EventLogOptions, type OpenEventLog } from './open';

/** A log that writes nothing, for specs. */
export const silentLog = new Log({ service: 'spec', level: 'error', write: () => undefined });

/** A log opened for the calling `describe`, closed after it. */
export function useEventLog(options: () => Omit<EventLogOptions, 'applicationName'>): () => OpenEventLog {
  let opened: OpenEventLog | undefined;
  beforeAll(async () => {
    opened = await openEventLog({ applicationName: 'spec', ...options() }, silentLog, new Clock());
  });
  afterAll(() => opened?.close());
  return () => {
    if (!opened) throw new Error('useEventLog has nothing yet: use it inside a test or a later beforeAll');
    return opened;
  };
}
