import type { Settings } from '@ryax/event-log';
import type { QueryHandlers } from './query-handlers';

export interface SettingsQueryParts {
  readonly settings: Settings;
  /** What is configured, in case that we are the first to ask. */
  readonly partitions: number;
}

export function settingsQuery({ settings, partitions }: SettingsQueryParts): Pick<QueryHandlers, 'engine.settings'> {
  return {
    'engine.settings': async () => ({ partitions: await settings.partitionCount(partitions) }),
  };
}
